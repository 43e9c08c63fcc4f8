import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A fresh folder for one test.
func temporaryFolder() throws -> String {
  var template = Array("/tmp/bitline-test-XXXXXX".utf8CString)
  guard let path = template.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) }) else {
    throw Diagnostic(.internal, "cannot make a temporary folder")
  }
  return String(cString: path)
}
