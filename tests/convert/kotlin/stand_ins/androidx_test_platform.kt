package androidx.test.platform.app

import android.content.Context
import android.content.res.AssetManager
import dev.hangtag.standin.Phone

class Instrumentation(val context: Context, val targetContext: Context)

object InstrumentationRegistry {
    @JvmStatic
    fun getInstrumentation() = Instrumentation(Context(AssetManager(Phone.testAssets)), Context())
}
