package com.google.mediapipe.tasks.vision.imageclassifier

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Matrix
import android.graphics.RectF
import com.google.mediapipe.framework.image.MPImage
import com.google.mediapipe.tasks.components.containers.Category
import com.google.mediapipe.tasks.components.containers.ClassificationResult
import com.google.mediapipe.tasks.components.containers.Classifications
import com.google.mediapipe.tasks.core.BaseOptions
import com.google.mediapipe.tasks.vision.core.ImageProcessingOptions
import com.google.mediapipe.tasks.vision.core.RunningMode
import dev.hangtag.standin.Phone

class ImageClassifierResult(private val result: ClassificationResult) {
    fun classificationResult() = result
}

/** Cuts out the region of interest, then turns it, as MediaPipe does; it resizes nothing. */
class ImageClassifier private constructor() : AutoCloseable {
    class ImageClassifierOptions {
        class Builder {
            fun setBaseOptions(value: BaseOptions) = apply { requireNotNull(value) }

            fun setRunningMode(value: RunningMode) = apply { require(value == RunningMode.IMAGE) }

            fun build() = ImageClassifierOptions()
        }

        companion object {
            @JvmStatic
            fun builder() = Builder()
        }
    }

    fun classify(image: MPImage): ImageClassifierResult = classify(image, ImageProcessingOptions.builder().build())

    fun classify(image: MPImage, imageProcessingOptions: ImageProcessingOptions): ImageClassifierResult {
        val bitmap = image.bitmap
        val region = imageProcessingOptions.region ?: RectF(0f, 0f, 1f, 1f)
        val (left, top) = Math.round(region.left * bitmap.width) to Math.round(region.top * bitmap.height)
        val (right, bottom) = Math.round(region.right * bitmap.width) to Math.round(region.bottom * bitmap.height)
        val turn = Matrix().apply { postRotate(imageProcessingOptions.degrees.toFloat()) }
        val seen = Bitmap.createBitmap(bitmap, left, top, right - left, bottom - top, turn, false)
        val argb = IntArray(seen.width * seen.height)
        seen.getPixels(argb, 0, seen.width, 0, 0, seen.width, seen.height)
        val rgb = ByteArray(3 * argb.size) { at -> (argb[at / 3] shr (16 - 8 * (at % 3))).toByte() }
        val categories = Phone.answer(rgb).mapIndexed { index, score -> Category(index, score.toFloat()) }
        // Best first, as MediaPipe lists them.
        val ranked = Classifications(categories.sortedByDescending { it.score() })
        return ImageClassifierResult(ClassificationResult(listOf(ranked)))
    }

    override fun close() = Unit

    companion object {
        @JvmStatic
        fun createFromOptions(context: Context, options: ImageClassifierOptions): ImageClassifier {
            requireNotNull(context)
            requireNotNull(options)
            return ImageClassifier()
        }
    }
}
