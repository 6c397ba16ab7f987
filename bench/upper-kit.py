# SPDX-License-Identifier: ISC
# upper: text in capitals, as a function with the package reqd for Python.
import reqd


@reqd.service
def upper(*text: str) -> str:
    return " ".join(text).upper()


reqd.serve()
