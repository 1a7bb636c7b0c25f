package androidx.camera.core

import android.graphics.Bitmap
import java.util.concurrent.Executor

abstract class UseCase

interface ImageInfo {
    val rotationDegrees: Int
}

interface ImageProxy : AutoCloseable {
    val imageInfo: ImageInfo

    fun toBitmap(): Bitmap
}

class ImageAnalysis : UseCase() {
    fun interface Analyzer {
        fun analyze(image: ImageProxy)
    }

    class Builder {
        fun setBackpressureStrategy(strategy: Int): Builder = TODO("stand-in")

        fun setOutputImageFormat(outputImageFormat: Int): Builder = TODO("stand-in")

        fun build(): ImageAnalysis = TODO("stand-in")
    }

    fun setAnalyzer(executor: Executor, analyzer: Analyzer): Unit = TODO("stand-in")

    companion object {
        const val STRATEGY_KEEP_ONLY_LATEST = 0
        const val OUTPUT_IMAGE_FORMAT_RGBA_8888 = 2
    }
}

class Preview : UseCase() {
    interface SurfaceProvider

    class Builder {
        fun build(): Preview = TODO("stand-in")
    }

    fun setSurfaceProvider(surfaceProvider: SurfaceProvider?): Unit = TODO("stand-in")
}

class CameraSelector {
    companion object {
        @JvmField
        val DEFAULT_BACK_CAMERA: CameraSelector = CameraSelector()
    }
}

interface Camera
