// Does what the lines of a file ask for with the generated code, so that Python can compare it with its own.
// The lines are those of tests/convert/kotlin/Probe.kt.
import Foundation

func spec(_ words: [String]) -> InputSpec {
    InputSpec(
        widthPx: Int(words[0])!,
        heightPx: Int(words[1])!,
        colourOrder: ColourOrder(rawValue: words[2].lowercased())!,
        geometry: words[3] == "CENTRE_CROP" ? .centreCrop : Geometry(rawValue: words[3].lowercased())!,
        padValue: Int(words[4])!,
        mean: words[8].split(separator: ",").map { Double($0)! },
        std: words[9].split(separator: ",").map { Double($0)! },
        tensor: format(words[5], words[6], words[7])
    )
}

func format(_ type: String, _ scale: String, _ zeroPoint: String) -> TensorFormat {
    TensorFormat(type: ElementType(rawValue: type.lowercased())!, scale: Double(scale), zeroPoint: Int(zeroPoint)!)
}

func content(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

func tensor(_ spec: InputSpec, _ words: [String]) throws {
    let bytes = try content(words[3])
    let (width, height) = (Int(words[0])!, Int(words[1])!)
    var argb = [UInt32](repeating: 0, count: width * height)
    for at in (0..<4 * width * height).reversed() { argb[at / 4] = argb[at / 4] << 8 | UInt32(bytes[at]) }
    let frame = Frame(widthPx: width, heightPx: height, argb: argb, rotationDegrees: Int(words[2])!)
    let preprocessor = Preprocessor(spec)
    let written = Data(preprocessor.pixels(frame) + preprocessor.tensor(frame))
    try written.write(to: URL(fileURLWithPath: words[4]))
}

func region(_ spec: InputSpec, _ words: [String]) {
    let (width, height, degrees) = (Int(words[0])!, Int(words[1])!, Int(words[2])!)
    let cut = spec.sourceInFrame(frameWidthPx: width, frameHeightPx: height, rotationDegrees: degrees)
    var fractions = "- - - -"  // frames are turned before MediaPipe gets them
    if degrees == 0 {
        let region = spec.regionOfInterest(uprightWidthPx: width, uprightHeightPx: height)
        fractions = "\(region.left) \(region.top) \(region.right) \(region.bottom)"
    }
    print("\(cut.left) \(cut.top) \(cut.width) \(cut.height) \(fractions)")
}

func scores(_ words: [String]) throws {
    let kind = OutputKind(rawValue: words[1].lowercased())!
    let spec = OutputSpec(kind: kind, tensor: format(words[2], words[3], words[4]))
    let labelCount = Int(words[5])!
    let scores = try scoresOf(try content(words[7]), spec: spec, labelCount: labelCount)
    let labels = (0..<labelCount).map { "\($0)" }
    let prediction = predictionOf(scores, labels: labels, unknownThreshold: Double(words[6]))
    let (listed, top) = (scores.map { "\($0)" }, prediction.top.map { $0.label })
    print("\(listed.joined(separator: ",")) \(top.joined(separator: ",")) \(prediction.isUnknown)")
}

func labels(_ words: [String]) throws {
    let read = { (name: String) in try content("\(words[1])/\(name)") }
    let shown = words.count == 2
        ? try Labels.read(open: read)
        : try Labels.read(languageTags: Array(words[2...]), open: read)
    let hexadecimal = shown.map { label in label.utf8.map { String(format: "%02x", $0) }.joined() }
    print(hexadecimal.joined(separator: ","))
}

do {
    let script = String(decoding: try content(CommandLine.arguments[1]), as: UTF8.self)
    for line in script.split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        switch words[0] {
        case "tensor": try tensor(spec(Array(words[1...])), Array(words[11...]))
        case "region": region(spec(Array(words[1...])), Array(words[11...]))
        case "scores": try scores(words)
        case "labels": try labels(words)
        default: fatalError("no such word: \(words[0])")
        }
    }
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
