import Tool

Tool.main(builtInPlugins)
