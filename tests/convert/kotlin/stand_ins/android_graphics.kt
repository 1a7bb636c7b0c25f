package android.graphics

import java.io.InputStream
import javax.imageio.ImageIO

class Bitmap private constructor(val width: Int, val height: Int, private val argb: IntArray) {
    enum class Config { ALPHA_8, RGB_565, ARGB_8888 }

    val config: Config? = Config.ARGB_8888

    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int) {
        require(offset == 0 && stride == width && x == 0 && y == 0 && width == this.width && height == this.height)
        argb.copyInto(pixels)
    }

    /** A quarter turn clockwise. */
    private fun turned() =
        Bitmap(height, width, IntArray(argb.size) { at -> argb[(height - 1 - at % height) * width + at / height] })

    companion object {
        @JvmStatic
        fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap {
            require(colors.size == width * height && config == Config.ARGB_8888)
            return Bitmap(width, height, colors.copyOf())
        }

        @JvmStatic
        fun createBitmap(
            source: Bitmap, x: Int, y: Int, width: Int, height: Int, m: Matrix?, filter: Boolean,
        ): Bitmap {
            require(!filter)
            val cut = IntArray(width * height) { source.argb[(y + it / width) * source.width + x + it % width] }
            val quarters = ((m?.degrees ?: 0f) / 90f).toInt().mod(4)
            return (0 until quarters).fold(Bitmap(width, height, cut)) { bitmap, _ -> bitmap.turned() }
        }
    }
}

object BitmapFactory {
    @JvmStatic
    fun decodeStream(stream: InputStream?): Bitmap? {
        val image = ImageIO.read(stream)
        val argb = image.getRGB(0, 0, image.width, image.height, null, 0, image.width)
        return Bitmap.createBitmap(argb, image.width, image.height, Bitmap.Config.ARGB_8888)
    }
}

object Color {
    const val WHITE = -1

    @JvmStatic
    fun rgb(red: Int, green: Int, blue: Int): Int = argb(255, red, green, blue)

    @JvmStatic
    fun argb(alpha: Int, red: Int, green: Int, blue: Int): Int = (alpha shl 24) or (red shl 16) or (green shl 8) or blue
}

class Matrix {
    var degrees = 0f
        private set

    fun postRotate(degrees: Float): Boolean {
        this.degrees += degrees
        return true
    }
}

class RectF(val left: Float, val top: Float, val right: Float, val bottom: Float)
