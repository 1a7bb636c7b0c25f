package com.google.mediapipe.tasks.core

abstract class BaseOptions {
    abstract class Builder {
        abstract fun setModelAssetPath(value: String): Builder

        abstract fun build(): BaseOptions
    }

    companion object {
        @JvmStatic
        fun builder(): Builder = TODO("stand-in")
    }
}
