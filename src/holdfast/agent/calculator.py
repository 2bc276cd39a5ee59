"""Arithmetic for models, which are bad at it: exact, bounded, and nothing but arithmetic."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

LONGEST = 1000  # characters of an expression
DEEPEST = 100  # brackets within brackets
BITS = 8192  # of any number on the way
MOST_PLACES = 100  # that a number is rounded to
DIGITS = 15  # of a result that is not exact

Number = int | Fraction | float


class NotArithmetic(ValueError):
    """The text says why."""


_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ON_FLOATS: Mapping[str, Callable[..., float]] = {
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "hypot": math.hypot,
    "degrees": math.degrees,
    "radians": math.radians,
}
_EXACT: Mapping[str, Callable[..., Number]] = {
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "min": min,
    "max": max,
    "gcd": math.gcd,
    "lcm": math.lcm,
}


def calculate(expression: str) -> str:
    """The value of an expression in numbers, + - * / // % ** (or ^), brackets and functions.

    Fractions stay exact as long as no function makes them otherwise. Raises NotArithmetic.
    """
    if len(expression) > LONGEST:
        raise NotArithmetic(f"longer than {LONGEST} characters")
    text = expression.translate(_SIGNS).strip()
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise NotArithmetic("this is no arithmetic expression") from None
    try:
        return _written(_value(tree.body, 0))
    except ZeroDivisionError:
        raise NotArithmetic("division by zero") from None
    except OverflowError:
        raise NotArithmetic("the result is too large") from None
    except (ValueError, TypeError) as error:
        if isinstance(error, NotArithmetic):
            raise
        raise NotArithmetic("a function is not defined there") from None


_SIGNS = str.maketrans(
    {"×": "*", "÷": "/", "−": "-", "^": "**", "（": "(", "）": ")", "，": ",", "π": "pi"}
)


def _value(node: ast.expr, depth: int) -> Any:
    if depth > DEEPEST:
        raise NotArithmetic("nested too deeply")
    match node:
        case ast.Constant(value=bool() | str() | bytes() | complex() | None):
            raise NotArithmetic(f"{node.value!r} is not a number")
        case ast.Constant(value=int() as number):
            return _bounded(number)
        case ast.Constant(value=float() as number):
            return _bounded(Fraction(repr(number)))
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return +_value(operand, depth + 1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, depth + 1)
        case ast.BinOp(left=left, op=op, right=right):
            return _bounded(_binary(op, _value(left, depth + 1), _value(right, depth + 1)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _bounded(_called(name, [_value(one, depth + 1) for one in arguments]))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            return _COMPARISONS[type(op)](_value(left, depth + 1), _value(right, depth + 1))
        case ast.Name(id=name):
            raise NotArithmetic(f"unknown name {name!r}; known: {', '.join(_CONSTANTS)}")
        case _:
            raise NotArithmetic("only numbers, operators and functions are known here")


def _binary(op: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(op, ast.Div):
        if isinstance(left, float) or isinstance(right, float):
            return left / right
        return Fraction(left) / Fraction(right)
    if isinstance(op, ast.Pow):
        return _power(left, right)
    known = _OPERATORS.get(type(op))
    if known is None:
        raise NotArithmetic("this operator is not known here")
    result: Number = known(left, right)
    return result


def _power(base: Number, exponent: Number) -> Number:
    """Bounded before it is computed: a few digits can ask for more memory than there is."""
    if isinstance(base, float) or isinstance(exponent, float) or Fraction(exponent).denominator > 1:
        if base < 0 and exponent != int(exponent):
            raise NotArithmetic("an even root of a negative number")
        return math.pow(base, exponent)
    whole = Fraction(base)
    bits = max(whole.numerator.bit_length(), whole.denominator.bit_length())
    if bits > 1 and bits * abs(int(exponent)) > BITS:
        raise OverflowError
    power: Fraction = whole ** int(exponent)
    return power


def _called(name: str, arguments: list[Any]) -> Number:
    if name == "round":
        number, places = arguments if len(arguments) == 2 else (*arguments, 0)
        if abs(places) > MOST_PLACES:
            raise NotArithmetic(f"no more than {MOST_PLACES} places")
        rounded = round(Fraction(number), _whole(places))
        return float(rounded) if isinstance(number, float) else rounded
    if name == "factorial":
        (number,) = arguments
        if number > BITS // 8:
            raise OverflowError
        return math.factorial(_whole(number))
    if name in ("gcd", "lcm"):
        return _EXACT[name](*map(_whole, arguments))
    if name in _EXACT:
        return _EXACT[name](*arguments)
    if name in _ON_FLOATS:
        return _ON_FLOATS[name](*map(float, arguments))
    there = ", ".join(sorted([*_EXACT, *_ON_FLOATS, "factorial", "round"]))
    raise NotArithmetic(f"unknown function {name!r}; known: {there}")


def _whole(number: Number) -> int:
    if number != int(number):
        raise NotArithmetic("a whole number is needed here")
    return int(number)


def _bounded(number: Any) -> Any:
    if isinstance(number, float):
        if math.isinf(number):
            raise OverflowError
        return number
    exact = Fraction(number)
    if max(exact.numerator.bit_length(), exact.denominator.bit_length()) > BITS:
        raise OverflowError
    return number


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        return f"{float(value):.{DIGITS}g}"
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    return str(value)
