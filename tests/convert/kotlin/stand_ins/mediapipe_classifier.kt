package com.google.mediapipe.tasks.vision.imageclassifier

import android.content.Context
import com.google.mediapipe.framework.image.MPImage
import com.google.mediapipe.tasks.components.containers.ClassificationResult
import com.google.mediapipe.tasks.core.BaseOptions
import com.google.mediapipe.tasks.vision.core.ImageProcessingOptions
import com.google.mediapipe.tasks.vision.core.RunningMode

abstract class ImageClassifierResult {
    abstract fun classificationResult(): ClassificationResult
}

class ImageClassifier private constructor() : AutoCloseable {
    abstract class ImageClassifierOptions {
        abstract class Builder {
            abstract fun setBaseOptions(value: BaseOptions): Builder

            abstract fun setRunningMode(value: RunningMode): Builder

            abstract fun build(): ImageClassifierOptions
        }

        companion object {
            @JvmStatic
            fun builder(): Builder = TODO("stand-in")
        }
    }

    fun classify(image: MPImage, imageProcessingOptions: ImageProcessingOptions): ImageClassifierResult = TODO("stand-in")

    override fun close(): Unit = TODO("stand-in")

    companion object {
        @JvmStatic
        fun createFromOptions(context: Context, options: ImageClassifierOptions): ImageClassifier = TODO("stand-in")
    }
}
