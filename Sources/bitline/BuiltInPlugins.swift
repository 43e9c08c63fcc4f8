import BaselineBackend
import BinarizePasses
import CPUBackend
import CanonicalizePasses
import Datasets
import IMCBackend
import NullBackend
import OnnxFrontend
import PluginAPI
import QuantizePasses
import TextFrontend
import TilePasses

/// The one list of plug-ins that the program is built with.
let builtInPlugins: [Plugin] = [
  onnxPlugin, textPlugin, dataPlugin,
  Plugin("passes", passes: CanonicalizePasses.all + BinarizePasses.all + QuantizePasses.all + TilePasses.all),
  cpuPlugin, imcPlugin, baselinePlugin, nullPlugin,
]
