from . import test_discount
