package org.tensorflow.lite

import dev.hangtag.standin.Phone
import dev.hangtag.standin.TensorForm
import java.nio.ByteBuffer
import java.nio.ByteOrder

enum class DataType { FLOAT32, INT32, UINT8, INT64, STRING, BOOL, INT16, INT8 }

interface Tensor {
    fun shape(): IntArray

    fun dataType(): DataType
}

private class Described(private val form: TensorForm) : Tensor {
    override fun shape() = form.shape

    override fun dataType() = DataType.valueOf(form.type)
}

class Interpreter(model: ByteBuffer, options: Options?) : AutoCloseable {
    class Options {
        fun setNumThreads(numThreads: Int): Options = this
    }

    init {
        require(model.isDirect && model.order() == ByteOrder.nativeOrder() && model.remaining() > 0)
    }

    fun getInputTensor(index: Int): Tensor = Described(Phone.input).also { require(index == 0) }

    fun getOutputTensor(index: Int): Tensor = Described(Phone.output).also { require(index == 0) }

    fun run(input: Any, output: Any) {
        input as ByteBuffer
        output as ByteBuffer
        require(input.isDirect && input.order() == ByteOrder.nativeOrder() && output.order() == ByteOrder.nativeOrder())
        val bytes = ByteArray(input.capacity())
        input.duplicate().apply { clear() }.get(bytes)
        for (score in Phone.answer(bytes)) {
            val stored = Math.rint(score / Phone.output.scale).toInt() + Phone.output.zeroPoint
            when (Phone.output.type) {
                "FLOAT32" -> output.putFloat(score.toFloat())
                "INT16" -> output.putShort(stored.toShort())
                else -> output.put(stored.coerceIn(-128, 255).toByte())
            }
        }
    }

    override fun close() = Unit
}
