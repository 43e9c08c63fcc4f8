import OnnxFrontend

/// Field numbers of the messages that tests write.
enum Field {
  enum Model {
    static let irVersion: UInt64 = 1
    static let graph: UInt64 = 7
    static let opsetImport: UInt64 = 8
    static let functions: UInt64 = 25
  }
  enum Graph {
    static let node: UInt64 = 1
    static let name: UInt64 = 2
    static let initializer: UInt64 = 5
    static let input: UInt64 = 11
    static let output: UInt64 = 12
  }
  enum Node {
    static let input: UInt64 = 1
    static let output: UInt64 = 2
    static let name: UInt64 = 3
    static let opType: UInt64 = 4
    static let attribute: UInt64 = 5
    static let domain: UInt64 = 7
  }
  enum Attribute {
    static let name: UInt64 = 1
    static let f: UInt64 = 2
    static let i: UInt64 = 3
    static let s: UInt64 = 4
    static let t: UInt64 = 5
    static let g: UInt64 = 6
    static let ints: UInt64 = 8
    static let type: UInt64 = 20
    static let refAttrName: UInt64 = 21
  }
  enum Tensor {
    static let dims: UInt64 = 1
    static let dataType: UInt64 = 2
    static let floatData: UInt64 = 4
    static let int32Data: UInt64 = 5
    static let int64Data: UInt64 = 7
    static let name: UInt64 = 8
    static let rawData: UInt64 = 9
    static let uint64Data: UInt64 = 11
    static let externalData: UInt64 = 13
    static let dataLocation: UInt64 = 14
  }
}

/// The bytes of a message.
func proto(_ build: (inout WireWriter) -> Void) -> [UInt8] {
  var writer = WireWriter()
  build(&writer)
  return writer.bytes
}

/// The bytes of a tensor message with external data.
func externalTensor(_ name: String, dims: [Int], entries: [(String, String)]) -> [UInt8] {
  proto { tensor in
    for extent in dims { tensor.int(Field.Tensor.dims, extent) }
    tensor.int(Field.Tensor.dataType, 1)
    tensor.string(Field.Tensor.name, name)
    tensor.int(Field.Tensor.dataLocation, 1)
    for (key, value) in entries {
      tensor.message(Field.Tensor.externalData) {
        $0.string(1, key)
        $0.string(2, value)
      }
    }
  }
}
