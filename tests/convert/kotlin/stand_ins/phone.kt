// What the stand-ins for a phone's libraries share: where files lie, and what the model answers.
package dev.hangtag.standin

import java.io.File
import java.security.MessageDigest

/** Set up by the system properties `assets` (of the app), `test.assets`, `answers`, `input` and `output`. */
object Phone {
    val appAssets = File(System.getProperty("assets"))
    val testAssets = File(System.getProperty("test.assets"))

    /** Scores by the SHA-256 of what a model is given: a model that knows the golden cases by heart. */
    private val answers = File(System.getProperty("answers")).readLines().associate { line ->
        val (digest, scores) = line.split(' ')
        digest to scores.split(',').map { it.toDouble() }
    }

    fun answer(bytes: ByteArray): List<Double> {
        val digest = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }
        return answers[digest] ?: throw AssertionError("the model was given something that is no golden case")
    }

    val input = TensorForm(System.getProperty("input"))
    val output = TensorForm(System.getProperty("output"))
}

/** A tensor as a line: `1,224,224,3 UINT8 0.0078125 127`. */
class TensorForm(line: String) {
    val shape = line.split(' ')[0].split(',').map { it.toInt() }.toIntArray()
    val type = line.split(' ')[1]
    val scale = line.split(' ')[2].toDouble()
    val zeroPoint = line.split(' ')[3].toInt()
}
