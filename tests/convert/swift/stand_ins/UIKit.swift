// A stand-in that Linux can type-check against: the signatures that the generated source uses, and no more.
@_exported import Foundation

public final class CGColorSpace {
    public static let sRGB = ""
    public init?(name: String) { fatalError() }
}

public enum CGImageAlphaInfo: UInt32 { case noneSkipFirst }

public struct CGBitmapInfo: OptionSet {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let byteOrder32Little = CGBitmapInfo(rawValue: 1 << 13)
}

public final class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { fatalError() }
    public func translateBy(x: CGFloat, y: CGFloat) { fatalError() }
    public func scaleBy(x: CGFloat, y: CGFloat) { fatalError() }
}

open class UIImage {
    public init?(data: Data) { fatalError() }
    public var size: CGSize { fatalError() }
    public var scale: CGFloat { fatalError() }
    public func draw(in rectangle: CGRect) { fatalError() }
}

open class CALayer {}

@MainActor open class UIView {
    public init() {}
    open class var layerClass: AnyClass { CALayer.self }
    public var layer: CALayer { fatalError() }
}

public func UIGraphicsPushContext(_ context: CGContext) { fatalError() }
public func UIGraphicsPopContext() { fatalError() }
