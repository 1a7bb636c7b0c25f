// A stand-in that Linux can type-check against: the signatures that the generated source uses, and no more.
@_exported import UIKit

@resultBuilder
public enum ViewBuilder {
    public static func buildBlock<A: View>(_ a: A) -> A { a }
    public static func buildBlock<A: View, B: View>(_ a: A, _ b: B) -> Pair<A, B> { fatalError() }
}

@MainActor public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}

extension Never: View { public var body: Never { fatalError() } }
public struct Pair<A: View, B: View>: View { public var body: Never { fatalError() } }
public struct Some: View { public var body: Never { fatalError() } }

public enum Alignment { case bottom }
public struct Font { public static let title = Font() }
public protocol ShapeStyle {}
public struct Color: ShapeStyle, View {
    public static var white: Color { fatalError() }
    public func opacity(_ value: Double) -> Color { fatalError() }
    public var body: Never { fatalError() }
}
extension ShapeStyle where Self == Color { public static var black: Color { fatalError() } }

public struct Text: View {
    public init(_ text: String) {}
    public var body: Never { fatalError() }
}

public struct ZStack<Content: View>: View {
    public init(alignment: Alignment, @ViewBuilder content: () -> Content) {}
    public var body: Never { fatalError() }
}

extension View {
    public func ignoresSafeArea() -> Some { fatalError() }
    public func font(_ font: Font?) -> Some { fatalError() }
    public func frame(maxWidth: CGFloat?) -> Some { fatalError() }
    public func padding() -> Some { fatalError() }
    public func background<S: ShapeStyle>(_ style: S) -> Some { fatalError() }
    public func foregroundColor(_ color: Color?) -> Some { fatalError() }
    public func onAppear(perform action: (() -> Void)?) -> Some { fatalError() }
    public func onDisappear(perform action: (() -> Void)?) -> Some { fatalError() }
}

public protocol ObservableObject: AnyObject {}

@propertyWrapper public struct Published<Value> {
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public var wrappedValue: Value
}

@MainActor @propertyWrapper public struct StateObject<Value: ObservableObject> {
    public init(wrappedValue value: @autoclosure @escaping () -> Value) {}
    public var wrappedValue: Value { fatalError() }
}

public struct UIViewRepresentableContext<Representable> {}

@MainActor public protocol UIViewRepresentable: View where Body == Never {
    associatedtype ViewType: UIView
    typealias Context = UIViewRepresentableContext<Self>
    func makeUIView(context: Context) -> ViewType
    func updateUIView(_ view: ViewType, context: Context)
}
extension UIViewRepresentable { public var body: Never { fatalError() } }
