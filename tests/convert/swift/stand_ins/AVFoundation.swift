// A stand-in that Linux can type-check against: the signatures that the generated source uses, and no more.
@_exported import CoreVideo
@_exported import Foundation
import UIKit

public final class CMSampleBuffer {}
public func CMSampleBufferGetImageBuffer(_ buffer: CMSampleBuffer) -> CVPixelBuffer? { fatalError() }

public final class NSKeyValueObservation {}
public struct NSKeyValueObservingOptions: OptionSet {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let initial = NSKeyValueObservingOptions(rawValue: 1)
    public static let new = NSKeyValueObservingOptions(rawValue: 2)
}
public struct NSKeyValueObservedChange<Value> {}

public struct AVMediaType { public static let video = AVMediaType() }

public final class AVCaptureDevice {
    public struct DeviceType { public static let builtInWideAngleCamera = DeviceType() }
    public enum Position { case back, front }

    public final class RotationCoordinator: NSObject {
        public init(device: AVCaptureDevice, previewLayer: CALayer?) {}
        public var videoRotationAngleForHorizonLevelCapture: CGFloat { fatalError() }
        public func observe<Value>(
            _ keyPath: KeyPath<RotationCoordinator, Value>, options: NSKeyValueObservingOptions,
            changeHandler: @escaping (RotationCoordinator, NSKeyValueObservedChange<Value>) -> Void
        ) -> NSKeyValueObservation { fatalError() }
    }

    public static func requestAccess(for type: AVMediaType, completionHandler: @escaping (Bool) -> Void) {
        fatalError()
    }
    public static func `default`(_ device: DeviceType, for type: AVMediaType?, position: Position) -> AVCaptureDevice? {
        fatalError()
    }
}

open class AVCaptureInput {}
public final class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws { fatalError() }
}

public enum AVCaptureVideoOrientation { case portrait }

public final class AVCaptureConnection {
    public var videoRotationAngle: CGFloat = 0
    public var videoOrientation = AVCaptureVideoOrientation.portrait
}

open class AVCaptureOutput {
    public func connection(with type: AVMediaType) -> AVCaptureConnection? { fatalError() }
}

public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
    )
}

public final class AVCaptureVideoDataOutput: AVCaptureOutput {
    public override init() {}
    public var videoSettings: [String: Any]! = [:]
    public var alwaysDiscardsLateVideoFrames = false
    public func setSampleBufferDelegate(
        _ delegate: AVCaptureVideoDataOutputSampleBufferDelegate?, queue: DispatchQueue?
    ) { fatalError() }
}

public final class AVCaptureSession {
    public struct Preset { public static let vga640x480 = Preset() }
    public init() {}
    public var inputs: [AVCaptureInput] { fatalError() }
    public var sessionPreset = Preset()
    public func addInput(_ input: AVCaptureInput) { fatalError() }
    public func addOutput(_ output: AVCaptureOutput) { fatalError() }
    public func beginConfiguration() { fatalError() }
    public func commitConfiguration() { fatalError() }
    public func startRunning() { fatalError() }
    public func stopRunning() { fatalError() }
}

public final class AVCaptureVideoPreviewLayer: CALayer {
    public var session: AVCaptureSession?
}
