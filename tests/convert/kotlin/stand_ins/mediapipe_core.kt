package com.google.mediapipe.tasks.core

class BaseOptions {
    class Builder {
        fun setModelAssetPath(value: String) = apply { require(value.endsWith(".tflite")) }

        fun build() = BaseOptions()
    }

    companion object {
        @JvmStatic
        fun builder() = Builder()
    }
}
