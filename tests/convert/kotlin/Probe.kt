// Does what the lines of a file ask for with the generated code, so that Python can compare it with its own.
package dev.hangtag.probe

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

fun main(arguments: Array<String>) {
    for (line in File(arguments[0]).readLines()) {
        val words = line.split(' ')
        when (words[0]) {
            "tensor" -> tensor(spec(words.drop(1)), words.drop(11))
            "region" -> region(spec(words.drop(1)), words.drop(11))
            "scores" -> scores(words)
            "labels" -> labels(words)
            else -> error("no such word: ${words[0]}")
        }
    }
}

/** width height colours geometry pad type scale zero-point mean,mean,mean std,std,std */
private fun spec(words: List<String>) = InputSpec(
    widthPx = words[0].toInt(),
    heightPx = words[1].toInt(),
    colourOrder = ColourOrder.valueOf(words[2]),
    geometry = Geometry.valueOf(words[3]),
    padValue = words[4].toInt(),
    mean = words[8].split(',').map { it.toDouble() },
    std = words[9].split(',').map { it.toDouble() },
    tensor = format(words[5], words[6], words[7]),
)

private fun format(type: String, scale: String, zeroPoint: String) =
    TensorFormat(ElementType.valueOf(type), scale.takeIf { it != "null" }?.toDouble(), zeroPoint.toInt())

/** frame width, height, rotation, file of B G R A bytes, file to write pixels and then the tensor to */
private fun tensor(spec: InputSpec, words: List<String>) {
    val bytes = ByteBuffer.wrap(File(words[3]).readBytes()).order(ByteOrder.LITTLE_ENDIAN)
    val argb = IntArray(words[0].toInt() * words[1].toInt()) { bytes.getInt(4 * it) }
    val frame = Frame(words[0].toInt(), words[1].toInt(), argb, words[2].toInt())
    val preprocessor = Preprocessor(spec)
    val tensor = ByteBuffer.allocate(spec.tensorBytes).order(ByteOrder.LITTLE_ENDIAN)
    preprocessor.write(frame, tensor)
    File(words[4]).writeBytes(preprocessor.pixels(frame) + tensor.array())
}

/** frame width, height, rotation */
private fun region(spec: InputSpec, words: List<String>) {
    val (width, height, degrees) = words.map { it.toInt() }
    val cut = spec.sourceInFrame(width, height, degrees)
    val region = spec.regionOfInterest(width, height, degrees)
    println("${cut.left} ${cut.top} ${cut.width} ${cut.height} ${region.left} ${region.top} ${region.right} ${region.bottom}")
}

/** kind type scale zero-point number-of-labels threshold file of the raw output */
private fun scores(words: List<String>) {
    val spec = OutputSpec(OutputKind.valueOf(words[1]), format(words[2], words[3], words[4]))
    val raw = ByteBuffer.wrap(File(words[7]).readBytes()).order(ByteOrder.LITTLE_ENDIAN)
    val scores = scoresOf(raw, spec, words[5].toInt())
    val labels = List(words[5].toInt()) { "$it" }
    val prediction = predictionOf(scores, labels, unknownThreshold = words[6].takeIf { it != "null" }?.toDouble())
    println("${scores.joinToString(",")} ${prediction.top.joinToString(",") { it.label }} ${prediction.isUnknown}")
}

/** folder of the app's assets, language tags; prints the labels as hexadecimal UTF-8 */
private fun labels(words: List<String>) {
    val read = { name: String -> File(words[1], name).inputStream() }
    val shown = if (words.size == 2) Labels.read(read) else Labels.readFor(words.drop(2), read)
    println(shown.joinToString(",") { label -> label.toByteArray().joinToString("") { "%02x".format(it) } })
}
