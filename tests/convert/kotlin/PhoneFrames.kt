// Shows whole frames, lying any way, to the generated classifiers: what reaches the library underneath must be
// what training cut out. A file's lines: width, height, degrees, file of B G R A bytes.
package dev.hangtag.case_clothing

import android.content.Context
import android.graphics.Bitmap
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

fun main(arguments: Array<String>) {
    val classifiers = listOf(LiteRtClassifier(Context()), MediaPipeClassifier(Context()))
    for (line in File(arguments[0]).readLines()) {
        val (width, height, degrees) = line.split(' ').take(3).map { it.toInt() }
        val bytes = ByteBuffer.wrap(File(line.split(' ')[3]).readBytes()).order(ByteOrder.LITTLE_ENDIAN)
        val argb = IntArray(width * height) { bytes.getInt(4 * it) }
        val bitmap = Bitmap.createBitmap(argb, width, height, Bitmap.Config.ARGB_8888)
        for (classifier in classifiers) {
            val prediction = classifier.classify(bitmap, degrees)
            println("${prediction.best.label} ${prediction.best.score} ${prediction.isUnknown}")
        }
    }
    classifiers.forEach { it.close() }
}
