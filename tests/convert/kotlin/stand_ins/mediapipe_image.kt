package com.google.mediapipe.framework.image

import android.graphics.Bitmap

class MPImage

class BitmapImageBuilder(bitmap: Bitmap) {
    fun build(): MPImage = TODO("stand-in")
}
