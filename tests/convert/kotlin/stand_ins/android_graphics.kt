package android.graphics

import java.io.InputStream

class Bitmap private constructor() {
    enum class Config { ALPHA_8, RGB_565, ARGB_8888 }

    val width: Int get() = TODO("stand-in")
    val height: Int get() = TODO("stand-in")
    val config: Config? get() = TODO("stand-in")

    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int): Unit = TODO("stand-in")

    companion object {
        @JvmStatic
        fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap = TODO("stand-in")

        @JvmStatic
        fun createBitmap(
            source: Bitmap, x: Int, y: Int, width: Int, height: Int, m: Matrix?, filter: Boolean,
        ): Bitmap = TODO("stand-in")
    }
}

object BitmapFactory {
    @JvmStatic
    fun decodeStream(stream: InputStream?): Bitmap? = TODO("stand-in")
}

object Color {
    const val WHITE = -1

    @JvmStatic
    fun rgb(red: Int, green: Int, blue: Int): Int = TODO("stand-in")

    @JvmStatic
    fun argb(alpha: Int, red: Int, green: Int, blue: Int): Int = TODO("stand-in")
}

class Matrix {
    fun postRotate(degrees: Float): Boolean = TODO("stand-in")
}

class RectF(val left: Float, val top: Float, val right: Float, val bottom: Float)
