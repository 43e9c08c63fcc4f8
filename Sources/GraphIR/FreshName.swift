extension Set<String> {
  /// Takes a name, or that name with the first number from 2 on behind it that nobody has taken.
  package mutating func claim(_ wish: String, separator: String) -> String {
    var name = wish
    var number = 2
    while !insert(name).inserted {
      name = "\(wish)\(separator)\(number)"
      number += 1
    }
    return name
  }
}
