"""What exported files are made of: code that knows nothing of JAX, nor of this library.

`export.generate` takes functions out of these modules, as text, and puts a policy's numbers on top.
Each module can be imported, where its library is there; OPS, STAGES, FIRST and LAST are then empty.
"""
