package androidx.core.content

import android.content.Context
import java.util.concurrent.Executor

object ContextCompat {
    @JvmStatic
    fun checkSelfPermission(context: Context, permission: String): Int = TODO("stand-in")

    @JvmStatic
    fun getMainExecutor(context: Context): Executor = TODO("stand-in")
}
