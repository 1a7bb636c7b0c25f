package android.view

open class View

object Gravity {
    const val CENTER = 17
    const val BOTTOM = 80
}
