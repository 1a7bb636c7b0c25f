package org.tensorflow.lite

import java.nio.ByteBuffer

enum class DataType { FLOAT32, INT32, UINT8, INT64, STRING, BOOL, INT16, INT8 }

interface Tensor {
    fun shape(): IntArray

    fun dataType(): DataType
}

class Interpreter(model: ByteBuffer, options: Options?) : AutoCloseable {
    class Options {
        fun setNumThreads(numThreads: Int): Options = TODO("stand-in")
    }

    fun getInputTensor(index: Int): Tensor = TODO("stand-in")

    fun getOutputTensor(index: Int): Tensor = TODO("stand-in")

    fun run(input: Any, output: Any): Unit = TODO("stand-in")

    override fun close(): Unit = TODO("stand-in")
}
