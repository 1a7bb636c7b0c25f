package androidx.activity

import android.content.Context
import android.os.Bundle
import android.view.View
import androidx.activity.result.ActivityResultLauncher
import androidx.activity.result.contract.ActivityResultContract
import androidx.lifecycle.LifecycleOwner

open class ComponentActivity : Context(), LifecycleOwner {
    protected open fun onCreate(savedInstanceState: Bundle?): Unit = TODO("stand-in")

    protected open fun onDestroy(): Unit = TODO("stand-in")

    fun setContentView(view: View): Unit = TODO("stand-in")

    fun <I, O> registerForActivityResult(
        contract: ActivityResultContract<I, O>, callback: (O) -> Unit,
    ): ActivityResultLauncher<I> = TODO("stand-in")
}
