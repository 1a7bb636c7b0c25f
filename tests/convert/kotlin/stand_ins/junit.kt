// Enough of JUnit 4 to run a test class: its annotation and the assertions that the generated tests use.
package org.junit

@Retention(AnnotationRetention.RUNTIME)
annotation class Test

object Assert {
    @JvmStatic
    fun assertTrue(condition: Boolean) {
        if (!condition) throw AssertionError("expected true")
    }

    @JvmStatic
    fun assertEquals(expected: Any?, actual: Any?) = assertEquals("", expected, actual)

    @JvmStatic
    fun assertEquals(message: String, expected: Any?, actual: Any?) {
        if (expected != actual) throw AssertionError("$message: expected $expected, got $actual")
    }

    @JvmStatic
    fun assertEquals(expected: Float, actual: Float, delta: Float) {
        if (!(Math.abs(expected - actual) <= delta)) throw AssertionError("expected $expected, got $actual")
    }

    @JvmStatic
    fun assertArrayEquals(message: String, expecteds: DoubleArray, actuals: DoubleArray, delta: Double) {
        val same = expecteds.size == actuals.size && expecteds.indices.all { Math.abs(expecteds[it] - actuals[it]) <= delta }
        if (!same) throw AssertionError("$message: arrays differ")
    }

    @JvmStatic
    fun assertArrayEquals(message: String, expecteds: IntArray, actuals: IntArray) {
        if (!expecteds.contentEquals(actuals)) throw AssertionError("$message: arrays differ")
    }
}
