package com.google.mediapipe.tasks.components.containers

class Category(private val index: Int, private val score: Float) {
    fun score() = score

    fun index() = index
}

class Classifications(private val categories: List<Category>) {
    fun categories() = categories
}

class ClassificationResult(private val classifications: List<Classifications>) {
    fun classifications() = classifications
}
