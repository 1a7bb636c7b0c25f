package com.google.mediapipe.tasks.vision.core

import android.graphics.RectF

enum class RunningMode { IMAGE, VIDEO, LIVE_STREAM }

class ImageProcessingOptions private constructor(val region: RectF?, val degrees: Int) {
    class Builder {
        private var region: RectF? = null
        private var degrees = 0

        fun setRegionOfInterest(value: RectF) = apply { region = value }

        fun setRotationDegrees(value: Int) = apply { degrees = value }

        fun build(): ImageProcessingOptions {
            region?.let { require(0 <= it.left && it.left < it.right && it.right <= 1) }
            region?.let { require(0 <= it.top && it.top < it.bottom && it.bottom <= 1) }
            return ImageProcessingOptions(region, degrees)
        }
    }

    companion object {
        @JvmStatic
        fun builder() = Builder()
    }
}
