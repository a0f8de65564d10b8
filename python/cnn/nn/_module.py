"""Modules: every Module has one in C, which holds the parameters, the buffers and the children, so that files,
optimizers and Sequential's fused layers are the library's. A class of Python's own adds `forward`, which C calls back.

A tree of modules in C is freed as a whole: by an owner, which everything that points into the tree holds."""

from __future__ import annotations

import copy
import ctypes
import itertools
import os
import threading
import weakref
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from .. import _bindings as B
from .._apply import apply, wrong_type
from .._context import Context, default_context
from .._convert import enumerator
from .._errors import ArgumentError, MismatchError, StateError, callback_failed, check, handle
from .._library import lib
from .._tape import Foreign, local
from .._tensor import Tensor, as_tensor, tensor


class Owner:
    """Frees a tree of modules, unless a parent has taken it."""

    __slots__ = ("handle", "above")

    def __init__(self, h: int) -> None:
        self.handle = h
        self.above: Optional[Any] = None

    def __del__(self, free: Callable[[int], None] = lib.cnn_module_free) -> None:
        if self.above is None and self.handle:
            free(self.handle)


_modules: Dict[int, Any] = {}
_numbers = itertools.count(1)


@B.cnn_forward_fn
def _forward(_self: Any, x: Any, user: Any) -> Any:
    """C runs a module of Python's own."""
    try:
        reference = _modules.get(user)
        module = reference() if reference else None
        if module is None:
            raise StateError("forward: the Python object of the module is gone")
        tape = local.running[-1] if local.running else None
        h = lib.cnn_tensor_tape(x)
        if tape is None or tape._h != h:
            tape = Foreign(h, module._context)
        known, recording = dict(tape._live), tape._recording
        tape._depth += 1
        local.running.append(tape)
        try:
            result = module.forward(Tensor._on(tape, x))
            if not isinstance(result, Tensor):
                raise TypeError(
                    f"forward of {type(module).__name__} returned {type(result).__name__}, expected a Tensor"
                )
            if result._tape is None:  # a constant or a parameter, which enters the step here
                result = Tensor._on(tape, lib.cnn_input(tape._h, result._handle()))
            tape._leave_since(known, [result])
            h = result._handle()
            reference = weakref.ref(result)
            del result
            held = reference()
            if held is not None:  # it is an intermediate result of the caller's
                held._leave()
            return h
        finally:
            local.running.pop()
            tape._depth -= 1
            if tape._recording != recording:  # the forward ended with an operation under no_grad()
                lib.cnn_tape_set_recording(tape._h, recording)
                tape._recording = recording
    except BaseException as problem:
        callback_failed(problem)
        lib.cnn_context_set_error(None, B.Status.ERROR_CALLBACK, f"{type(problem).__name__}: {problem}".encode()[:400])
        return None


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _free_user(user: Any) -> None:
    _modules.pop(user, None)


class _Borrowed:
    """In place of an owner, for an object that the module in C keeps alive, and not the other way round."""

    above: Any = True
    handle = 0


FIELDS = ("_h", "_owner", "_context", "_children")


def shell(original: Module, h: int, context: Context, owner: Any) -> Module:
    """An object of the same classes over a copy that C has made of a tree, with copies of Python's attributes."""
    pairs: List[Tuple[Module, Module]] = []
    memo: Dict[int, Any] = {}

    def make(old: Module, handle_: int) -> Module:
        new: Module = object.__new__(type(old))
        new.__dict__.update(_h=handle_, _owner=owner, _context=context, _children={})
        pairs.append((old, new))
        memo[id(old)] = new
        handles = dict(new._named_handles())
        for name, child in old._children.items():
            new._children[name] = make(child, handles[name])
        return new

    made = make(original, h)
    for old, new in pairs:
        for name, value in old.__dict__.items():
            if name not in FIELDS:
                new.__dict__[name] = copy.deepcopy(value, memo)
    return made


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
def _clone_user(clone: Any, user: Any, result: Any) -> int:
    """C has copied a module of Python's own, whose copy C keeps alive."""
    try:
        reference = _modules.get(user)
        original = reference() if reference else None
        if original is None:
            raise StateError("clone: the Python object of the module is gone")
        made = shell(original, clone, getattr(_to, "context", None) or original._context, _Borrowed())
        number = next(_numbers)
        _modules[number] = lambda: made
        result[0] = number
        return 0
    except BaseException as problem:
        callback_failed(problem)
        lib.cnn_context_set_error(None, B.Status.ERROR_CALLBACK, f"{type(problem).__name__}: {problem}".encode()[:400])
        return int(B.Status.ERROR_CALLBACK)


_to = threading.local()


class Module:
    """A layer, or a network: a class of yours calls super().__init__(), sets its children and parameters as attributes,
    and has a method forward()."""

    _h: int
    _owner: Any
    _context: Context
    _children: Dict[str, Module]

    def __init__(self) -> None:
        context = default_context()
        number = next(_numbers)
        _modules[number] = weakref.ref(self)
        options = B.cnn_module_options(
            struct_size=ctypes.sizeof(B.cnn_module_options),
            type=type(self).__name__.encode(),
            forward=_forward,
            user=number,
            free_user=_free_user,
            clone_user=_clone_user,
        )
        self._adopt(handle(lib.cnn_module_create(context._h, ctypes.byref(options)), context._h), context)

    def _create(self, name: str, *arguments: Any) -> None:
        """Makes a layer of the library's."""
        context = default_context()
        try:
            made = getattr(lib, name)(context._h, *arguments)
        except ctypes.ArgumentError as problem:
            raise wrong_type(type(self).__name__, name, (context, *arguments), problem, 1) from None
        self._adopt(handle(made, context._h), context)

    def _adopt(self, h: int, context: Context, owner: Any = None) -> None:
        fields = self.__dict__
        fields["_h"], fields["_context"], fields["_children"] = h, context, {}
        fields["_owner"] = owner or Owner(h)
        if owner is None:
            lib.cnn_module_set_mode(h, B.ModuleMode.TRAINS)

    # ---- children, parameters and buffers ----

    def _give(self) -> int:
        """The handle, given away to a parent in C, which owns it from now on; _taken() says to whom."""
        if self._owner.above is not None or self._owner.handle != self._h:
            raise StateError(f"{type(self).__name__} has a parent already")
        return self._h

    def _taken(self, parent: Optional[Module], name: str) -> None:
        if parent is None:  # the library has freed it
            self._owner.above = True
            self.__dict__["_h"] = 0
            return
        self._owner.above = parent._owner
        parent._children[name] = self

    def add_module(self, name: str, module: Module) -> Module:
        """Adds a child under a name, which is not yet used and has no dot."""
        if not name or "." in name:  # C frees a module that it refuses, to which tensors here may belong
            raise ArgumentError(f"add_module: the name is {name!r}, expected one without dots that is not empty")
        if name in dict(self.named_children()):
            raise ArgumentError(f"add_module: there is a child {name!r} already")
        h = module._give()
        above: Any = self._owner
        while isinstance(above, Owner):
            if above is module._owner:
                raise StateError("add_module: a module cannot be in itself")
            above = above.above
        added = lib.cnn_module_add(self._h, name.encode(), h)
        module._taken(self if added else None, name)
        handle(added, self._context._h)
        return module

    def register_parameter(self, name: str, value: Tensor) -> Tensor:
        """Adds a copy of a tensor as a parameter."""
        return self._add("cnn_module_add_parameter", name, value)

    def register_buffer(self, name: str, value: Tensor) -> Tensor:
        """Adds a copy of a tensor as a buffer: saved with the module, not trained."""
        return self._add("cnn_module_add_buffer", name, value)

    def _add(self, function: str, name: str, value: Tensor) -> Tensor:
        own = handle(value._read(lib.cnn_tensor_detach), self._context._h)
        return self._tensor(handle(getattr(lib, function)(self._h, name.encode(), own), self._context._h))

    def _tensor(self, h: int) -> Tensor:
        return Tensor._make(h, self._context, self._owner)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Module, Parameter)) and "_h" not in self.__dict__:
            raise StateError("call super().__init__() before children and parameters are set")
        if isinstance(value, Module):
            self.add_module(name, value)
        elif isinstance(value, Parameter):
            self.register_parameter(name, value.data)
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__
        children = fields.get("_children")
        if children is not None and not name.startswith("__"):
            if name in children:
                return children[name]
            for other, h in self._named_handles():
                if other == name:
                    return self._child(name, h)
            if "." not in name:
                h = lib.cnn_module_find(self._h, name.encode())
                if h:
                    return self._tensor(h)
                lib.cnn_context_clear_error(self._context._h)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __dir__(self) -> List[str]:
        return sorted(
            {
                *super().__dir__(),
                *(name for name, _ in self._named_handles()),
                *(name for name in self.state_dict() if "." not in name),
            }
        )

    def _named_handles(self) -> Iterator[Tuple[str, int]]:
        for i in range(lib.cnn_module_child_count(self._h)):
            name = ctypes.c_char_p()
            pointer = ctypes.cast(ctypes.byref(name), ctypes.POINTER(ctypes.c_char_p))
            h = lib.cnn_module_child(self._h, i, pointer)
            yield (name.value or b"").decode(), h

    def _child(self, name: str, h: int) -> Module:
        child = self._children.get(name)
        if child is None:  # made in C
            child = Module.__new__(Module)
            child._adopt(h, self._context, self._owner)
            self._children[name] = child
        return child

    def named_children(self) -> Iterator[Tuple[str, Module]]:
        return ((name, self._child(name, h)) for name, h in list(self._named_handles()))

    def children(self) -> Iterator[Module]:
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[Tuple[str, Module]]:
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def apply(self, function: Callable[[Module], Any]) -> Module:
        """Calls a function with every module of the tree, children first."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def _state(self) -> List[Tuple[str, int, bool]]:
        found: List[Tuple[str, int, bool]] = []

        def visit(name: bytes, h: int, is_parameter: bool, _user: Any) -> bool:
            found.append((name.decode(), h, is_parameter))
            return True

        check(lib.cnn_module_visit(self._h, B.cnn_visit_fn(visit), None), self._context._h)
        return found

    def named_parameters(self) -> Iterator[Tuple[str, Tensor]]:
        return ((name, self._tensor(h)) for name, h, is_parameter in self._state() if is_parameter)

    def parameters(self) -> Parameters:
        return Parameters(self)

    def named_buffers(self) -> Iterator[Tuple[str, Tensor]]:
        return ((name, self._tensor(h)) for name, h, is_parameter in self._state() if not is_parameter)

    def buffers(self) -> Iterator[Tensor]:
        return (t for _, t in self.named_buffers())

    # ---- state ----

    def state_dict(self) -> Dict[str, Tensor]:
        """Parameters and buffers by name, over the module's own elements, in PyTorch's order."""
        return {name: self._tensor(h) for name, h, _ in self._state()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Copies elements by name: tensors of this library, of NumPy or of PyTorch."""
        own = self.state_dict()
        if strict and set(own) != set(state):
            missing, more = sorted(set(own) - set(state)), sorted(set(state) - set(own))
            raise MismatchError(
                f"load_state_dict: missing {', '.join(missing) or 'nothing'}; "
                f"unexpected {', '.join(more) or 'nothing'}"
            )
        given = {
            name: value if isinstance(value, Tensor) else tensor(value, context=self._context)
            for name, value in state.items()
            if name in own
        }
        for name, value in given.items():
            if value.shape != own[name].shape:
                raise MismatchError(
                    f"load_state_dict: {name} has shape {list(value.shape)}, " f"expected {list(own[name].shape)}"
                )
        for name, value in given.items():
            own[name].copy_(value)

    def save(self, path: Any) -> None:
        """Writes a safetensors file, which PyTorch's safetensors package reads."""
        check(lib.cnn_module_save(self._h, _path(path)), self._context._h)

    def load(self, path: Any) -> Module:
        """Reads a safetensors file whose names and shapes are the module's."""
        check(lib.cnn_module_load(self._h, _path(path)), self._context._h)
        return self

    def clone(self) -> Module:
        """A deep copy, with parameters and buffers of its own."""
        return self._copied(lib.cnn_module_clone(self._h), self._context)

    def __deepcopy__(self, _memo: Any) -> Module:
        return self.clone()

    def to(self, target: Any) -> Module:
        """A copy with parameters of another dtype, or in another context."""
        if isinstance(target, Context):
            _to.context = target
            try:
                return self._copied(lib.cnn_module_to(self._h, target._h), target)
            finally:
                _to.context = None
        return self._copied(lib.cnn_module_to_dtype(self._h, int(enumerator(B.DType, target))), self._context)

    def _copied(self, h: Optional[int], context: Context) -> Module:
        h = handle(h, self._context._h)
        return shell(self, h, context, Owner(h))

    # ---- how it behaves ----

    @property
    def training(self) -> bool:
        return bool(lib.cnn_module_get_mode(self._h) != B.ModuleMode.EVALUATES)

    def train(self, mode: bool = True) -> Module:
        """Has the module and all its parts behave as in training, or as in evaluation."""

        def walk(h: int) -> None:
            lib.cnn_module_set_mode(h, B.ModuleMode.TRAINS if mode else B.ModuleMode.EVALUATES)
            for i in range(lib.cnn_module_child_count(h)):
                walk(lib.cnn_module_child(h, i, None))

        walk(self._h)
        return self

    def eval(self) -> Module:
        """As in evaluation: dropout passes, normalisations use their running statistics."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        for t in self.parameters():
            t.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        check(lib.cnn_module_zero_grad(self._h), self._context._h)

    # ---- running ----

    def forward(self, x: Tensor) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if type(self).forward is not Module.forward:
            return self.forward(*inputs, **options)
        if len(inputs) != 1 or options:
            raise TypeError(f"{type(self).__name__} takes one tensor, given {len(inputs) + len(options)}")
        x = inputs[0] if isinstance(inputs[0], Tensor) else as_tensor(inputs[0], context=self._context)
        return run("cnn_forward", self, x)

    def __repr__(self) -> str:
        size = lib.cnn_module_format(self._h, None, 0) + 1
        buffer = ctypes.create_string_buffer(size)
        lib.cnn_module_format(self._h, buffer, size)
        return buffer.value.decode("utf-8")


def run(name: str, module: Module, *arguments: Any, **results: Any) -> Any:
    """Calls a forward of the library's, whose first argument is the module."""
    if not module._h:
        raise StateError(f"{type(module).__name__}: the module is gone, with the parent that could not take it")
    return apply(name, module._h, *arguments, **results)


class Parameter:
    """A tensor that becomes a parameter of the module whose attribute it is set to."""

    def __init__(self, data: Any) -> None:
        self.data = data if isinstance(data, Tensor) else tensor(data)


class Parameters(Iterable[Tensor]):
    """The parameters of a module; an optimizer also takes the module from it."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def __iter__(self) -> Iterator[Tensor]:
        module = self.module
        count = lib.cnn_module_parameters(module._h, None, 0)
        array = (ctypes.c_void_p * max(count, 1))()
        lib.cnn_module_parameters(module._h, array, count)
        return iter([module._tensor(array[i]) for i in range(count)])

    def __len__(self) -> int:
        return int(lib.cnn_module_parameter_count(self.module._h))


class Sequential(Module):
    """torch.nn.Sequential: the modules one after the other. Layers that can run as one operation do."""

    def __init__(self, *modules: Module) -> None:
        context = default_context()
        handles = [module._give() for module in modules]
        if len(set(handles)) != len(handles):
            raise ArgumentError("Sequential: a module is given twice")
        h = lib.cnn_sequential_create(context._h, (ctypes.c_void_p * max(len(handles), 1))(*handles), len(handles))
        if not h:
            for module in modules:
                module._taken(None, "")
        self._adopt(handle(h, context._h), context)
        for i, module in enumerate(modules):
            module._taken(self, str(i))

    def __len__(self) -> int:
        return int(lib.cnn_module_child_count(self._h))

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, i: int) -> Module:
        return list(self.children())[i]


class ModuleList(Module):
    """torch.nn.ModuleList: modules by number, for a forward of Python's."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        self.add_module(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[Module]:
        return iter(list(self._children.values()))

    def __getitem__(self, i: int) -> Module:
        return list(self._children.values())[i]


def _path(path: Any) -> bytes:
    return os.fsencode(path)


__all__ = ["Module", "Parameter", "Sequential", "ModuleList"]
