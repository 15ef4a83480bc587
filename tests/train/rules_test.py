from autoaug_jax.train.rules import due, next_multiple


def test_the_next_multiple_or_the_end():
  assert [next_multiple(5, move, 12) for move in (0, 4, 5, 9, 10)] == [5, 5, 10, 10, 12]
  assert next_multiple(0, 3, 12) == 12


def test_due_at_multiples_and_at_the_end():
  schedule = ("train",) * 7
  assert [move for move in range(1, 8) if due(3, move, schedule)] == [3, 6, 7]
  assert [move for move in range(1, 8) if due(0, move, schedule)] == [7]
