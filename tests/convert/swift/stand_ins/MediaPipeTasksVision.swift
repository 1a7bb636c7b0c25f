// A stand-in that Linux can type-check against: the signatures that the generated source uses, and no more.
import CoreVideo
import Foundation

public enum RunningMode { case image, video, liveStream }

public final class BaseOptions { public var modelAssetPath = "" }

public final class ImageClassifierOptions {
    public init() {}
    public var baseOptions = BaseOptions()
    public var runningMode = RunningMode.image
}

public final class MPImage {
    public init(pixelBuffer: CVPixelBuffer) throws { fatalError() }
}

public final class ResultCategory {
    public let index: Int
    public let score: Float
    init() { fatalError() }
}

public final class Classifications {
    public let categories: [ResultCategory]
    init() { fatalError() }
}

public final class ClassificationResult {
    public let classifications: [Classifications]
    init() { fatalError() }
}

public final class ImageClassifierResult {
    public let classificationResult: ClassificationResult
    init() { fatalError() }
}

public final class ImageClassifier {
    public init(options: ImageClassifierOptions) throws { fatalError() }
    public func classify(image: MPImage, regionOfInterest: CGRect) throws -> ImageClassifierResult { fatalError() }
}
