package android.widget

import android.content.Context
import android.view.View

open class FrameLayout(context: Context) : View() {
    class LayoutParams(width: Int, height: Int, gravity: Int) {
        companion object {
            const val MATCH_PARENT = -1
            const val WRAP_CONTENT = -2
        }
    }

    fun addView(child: View): Unit = TODO("stand-in")

    fun addView(child: View, params: LayoutParams): Unit = TODO("stand-in")
}

class TextView(context: Context) : View() {
    var text: CharSequence = ""
    var textSize: Float = 0f
    var gravity: Int = 0

    fun setTextColor(color: Int): Unit = TODO("stand-in")

    fun setBackgroundColor(color: Int): Unit = TODO("stand-in")

    fun setPadding(left: Int, top: Int, right: Int, bottom: Int): Unit = TODO("stand-in")
}
