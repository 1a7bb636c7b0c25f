// A stand-in that Linux can type-check against: the signatures that the generated source uses, and no more.
import Foundation

public struct SHA256Digest: Sequence {
    public func makeIterator() -> Array<UInt8>.Iterator { fatalError() }
}

public enum SHA256 {
    public static func hash(data: [UInt8]) -> SHA256Digest { fatalError() }
}
