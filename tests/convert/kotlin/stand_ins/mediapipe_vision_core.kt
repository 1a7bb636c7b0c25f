package com.google.mediapipe.tasks.vision.core

import android.graphics.RectF

enum class RunningMode { IMAGE, VIDEO, LIVE_STREAM }

abstract class ImageProcessingOptions {
    abstract class Builder {
        abstract fun setRegionOfInterest(value: RectF): Builder

        abstract fun setRotationDegrees(value: Int): Builder

        fun build(): ImageProcessingOptions = TODO("stand-in")
    }

    companion object {
        @JvmStatic
        fun builder(): Builder = TODO("stand-in")
    }
}
