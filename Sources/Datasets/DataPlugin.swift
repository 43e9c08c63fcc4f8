import PluginAPI

/// The file formats of NumPy as a plug-in.
public let dataPlugin = Plugin("data", tensorFormats: [NpyFormat(), NpzFormat()])
