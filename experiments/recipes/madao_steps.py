"""What a run of MADAO costs, in training steps of its network."""

from autoaug_jax.app import Madao

# A search by XLA's count of flops, a step being 3 forward passes: 39 of them with Neumann or
# conjugate gradients and 5 products, 49 where each product computes its own; 9 without products.
PASSES = {True: 49 / 3, False: 39 / 3}
PRODUCT = {True: 8 / 3, False: 6 / 3}
NO_PRODUCTS = 9 / 3


def network_steps(options: Madao, images: int, batch: int) -> float:
  """Training and searches, with so many images, validation images among them."""
  epoch = int(images * (1 - options.val)) // batch
  training = options.epochs * epoch
  searches = (training - options.warmup * epoch) // options.every if options.every else 0
  if options.solve == "first_order":
    one = NO_PRODUCTS
  else:
    one = PASSES[options.remat] + (options.terms - 5) * PRODUCT[options.remat]
  return training + searches * one
