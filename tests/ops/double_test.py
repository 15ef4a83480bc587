"""Pairs of float32 against NumPy's float64."""

import jax
import jax.numpy as jnp
import numpy as np

from autoaug_jax.ops.double import cosine_sine, double, fixed, single


def exact(x):
  return np.asarray(x.high, np.float64) + np.asarray(x.low, np.float64)


def test_arithmetic_has_46_bits():
  draw = np.random.default_rng(0)
  a, b = draw.normal(size=(2, 10_000)) * 100
  left, right = (double(jnp.asarray(x.astype(np.float32))) for x in (a, b))
  a, b = exact(left), exact(right)
  for ours, theirs, scale in (
    (jax.jit(lambda x, y: x * y + x)(left, right), a * b + a, np.abs(a * b) + np.abs(a)),
    (jax.jit(lambda x, y: 3.5 - x * 0.1 - y)(left, right), 3.5 - a * 0.1 - b, 300.0),
    (jax.jit(lambda x, y: 1.0 / x)(left, right), 1 / a, np.abs(1 / a)),
  ):
    assert np.max(np.abs(exact(ours) - theirs) / scale) < 2.0**-45


def test_cosine_and_sine():
  draw = np.random.default_rng(0)
  degrees = np.concatenate([draw.uniform(-400, 400, 50_000), np.arange(-360.0, 361.0)])
  degrees = degrees.astype(np.float32)
  pair = jax.jit(lambda x: cosine_sine(double(x)))(degrees)
  angles = np.radians(degrees.astype(np.float64))
  for ours, theirs in zip(pair, (np.cos(angles), np.sin(angles)), strict=True):
    assert np.max(np.abs(exact(ours) - theirs)) < 2.0**-36
  cosine, sine = cosine_sine(double(jnp.asarray([0.0, 90.0, 180.0, -90.0, 60.0])))
  assert exact(cosine).tolist() == [1, 0, -1, 0, 0.5]
  assert exact(sine)[:4].tolist() == [0, 1, 0, -1]


def test_fixed_point_of_a_rotation_is_pillows():
  draw = np.random.default_rng(0)
  degrees = draw.uniform(-180, 180, 20_000).astype(np.float32)

  def offset(x):
    cosine, sine = cosine_sine(double(x))
    return fixed(112.0 - cosine * 112.0 + sine * 112.0), fixed(cosine)

  ours = jax.jit(offset)(degrees)
  angles = np.radians(degrees.astype(np.float64))
  offsets = 112 - np.cos(angles) * 112 + np.sin(angles) * 112
  for mine, theirs in zip(ours, (offsets, np.cos(angles)), strict=True):
    # 38 bits put one value in some ten thousands on the other side of a half, by one unit.
    off = np.abs(np.asarray(mine) - np.floor(theirs * 65536 + 0.5))
    assert off.max() <= 1
    assert np.mean(off > 0) < 3e-4


def test_splitting_keeps_a_float64(x64):
  draw = np.random.default_rng(0)
  values = draw.normal(size=1000)
  # 24 + 24 of 53 bits: what is lost is below 2^-47 of the value.
  np.testing.assert_allclose(exact(double(jnp.asarray(values))), values, rtol=2.0**-47)
  assert single(double(0.1)) == np.float32(0.1)
