// A stand-in that Linux can type-check against: the signatures that the generated source uses, and no more.
import Foundation

public struct Tensor {
    public enum DataType { case bool, uInt8, int16, int32, int64, float16, float32, float64 }
    public struct Shape { public let dimensions: [Int] }

    public let dataType: DataType
    public let shape: Shape
    public let data: Data
}

public final class Interpreter {
    public struct Options {
        public init() {}
        public var threadCount: Int?
    }

    public init(modelPath: String, options: Options? = nil) throws { fatalError() }
    public func allocateTensors() throws { fatalError() }
    public func input(at index: Int) throws -> Tensor { fatalError() }
    public func output(at index: Int) throws -> Tensor { fatalError() }
    @discardableResult
    public func copy(_ data: Data, toInputAt index: Int) throws -> Tensor { fatalError() }
    public func invoke() throws { fatalError() }
}
