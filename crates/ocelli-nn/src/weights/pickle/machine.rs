//! The stack machine.

use super::{
    Global, Pickle, PickleError, PickleFault, Value, ValueId, globals, input::Input, opcode,
};
use crate::weights::Limits;
use std::{collections::HashMap, io::Read, sync::Arc};

/// Reads one pickle, and no byte more. Returns it with its length in bytes.
pub(in super::super) fn read<R: Read>(
    reader: &mut R,
    limits: &Limits,
) -> Result<(Pickle, u64), PickleError> {
    let machine = Machine {
        input: Input::new(reader, limits.pickle_bytes),
        values: Vec::new(),
        constants: [None; 5],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        value_limit: limits.pickle_values,
        memory: 0,
        memory_limit: limits.pickle_memory,
    };
    machine.run()
}

struct Machine<'a, R> {
    input: Input<'a, R>,
    values: Vec<Value>,
    /// Where values stand that are all the same: None, true, false, floats and objects.
    constants: [Option<ValueId>; 5],
    stack: Vec<ValueId>,
    /// Heights of the stack at the open MARK opcodes.
    marks: Vec<usize>,
    memo: HashMap<u32, ValueId>,
    value_limit: usize,
    /// What all that is kept costs, at most, in bytes.
    memory: usize,
    memory_limit: usize,
}

/// What a value costs in a list that grows by doubling, in bytes.
const VALUE: usize = 2 * size_of::<Value>();
/// What a reference to a value costs in such a list.
const ITEM: usize = 2 * size_of::<ValueId>();
/// What an entry of the memo costs.
const MEMO: usize = 32;
/// What memory of its own costs beside what is in it.
const ALLOCATION: usize = 32;

/// A step of the machine.
type Step = Result<(), PickleError>;

impl<R: Read> Machine<'_, R> {
    fn run(mut self) -> Result<(Pickle, u64), PickleError> {
        loop {
            match self.input.byte()? {
                opcode::STOP => break,
                opcode => self.step(opcode)?,
            }
        }
        let root = self.pop()?;
        let pickle = Pickle { values: self.values, root, memory: self.memory };
        Ok((pickle, self.input.consumed()))
    }

    fn step(&mut self, opcode: u8) -> Step {
        match opcode {
            opcode::PROTO => match self.input.byte()? {
                0..=5 => Ok(()),
                protocol => Err(self.fail(PickleFault::Protocol(protocol))),
            },
            opcode::FRAME => self.input.u64().map(drop),

            opcode::NONE => self.push_constant(0, Value::None),
            opcode::NEWTRUE => self.push_constant(1, Value::Bool(true)),
            opcode::NEWFALSE => self.push_constant(2, Value::Bool(false)),
            opcode::BININT => {
                let value = self.input.u32()?.cast_signed();
                self.push(Value::Int(value.into()))
            }
            opcode::BININT1 => {
                let value = self.input.byte()?;
                self.push(Value::Int(value.into()))
            }
            opcode::BININT2 => {
                let value = self.input.u16()?;
                self.push(Value::Int(value.into()))
            }
            opcode::LONG1 => {
                let length = self.input.byte()?;
                self.long(length.into())
            }
            opcode::LONG4 => {
                let length = self.input.u32()?;
                self.long(length.into())
            }
            opcode::BINFLOAT => {
                self.input.u64()?;
                self.push_constant(3, Value::Float)
            }

            opcode::SHORT_BINUNICODE => {
                let length = self.input.byte()?;
                self.text(length.into())
            }
            opcode::BINUNICODE => {
                let length = self.input.u32()?;
                self.text(length.into())
            }
            opcode::SHORT_BINSTRING => {
                let length = self.input.byte()?;
                self.byte_string(length.into())
            }
            opcode::BINSTRING => {
                let length = self.input.u32()?;
                self.byte_string(length.into())
            }
            opcode::BINUNICODE8 => {
                let length = self.input.u64()?;
                self.text(length)
            }
            opcode::SHORT_BINBYTES => {
                let length = self.input.byte()?;
                self.bytes(length.into())
            }
            opcode::BINBYTES => {
                let length = self.input.u32()?;
                self.bytes(length.into())
            }
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => {
                let length = self.input.u64()?;
                self.bytes(length)
            }

            opcode::MARK => {
                self.charge(2 * size_of::<usize>())?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            opcode::POP => self.pop().map(drop),
            opcode::POP_MARK => self.pop_to_mark().map(drop),
            opcode::DUP => {
                let top = self.top()?;
                self.push_id(top)
            }

            opcode::EMPTY_TUPLE => self.push(Value::Tuple(Vec::new())),
            opcode::TUPLE1 => self.tuple(1),
            opcode::TUPLE2 => self.tuple(2),
            opcode::TUPLE3 => self.tuple(3),
            opcode::TUPLE => {
                let items = self.pop_to_mark()?;
                self.push_items(items, Value::Tuple)
            }
            opcode::EMPTY_LIST | opcode::EMPTY_SET => self.push(Value::List(Vec::new())),
            opcode::LIST | opcode::FROZENSET => {
                let items = self.pop_to_mark()?;
                self.push_items(items, Value::List)
            }
            opcode::APPEND => {
                let item = self.pop()?;
                self.extend_list(&[item])
            }
            opcode::APPENDS | opcode::ADDITEMS => {
                let items = self.pop_to_mark()?;
                self.extend_list(&items)
            }
            opcode::EMPTY_DICT => self.push(Value::Dict(Vec::new())),
            opcode::DICT => {
                let items = self.pop_to_mark()?;
                let pairs = self.pairs(&items)?;
                self.charge(ALLOCATION + items.len() * ITEM)?;
                self.push(Value::Dict(pairs))
            }
            opcode::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(&[key, value])
            }
            opcode::SETITEMS => {
                let items = self.pop_to_mark()?;
                self.extend_dict(&items)
            }

            opcode::BINPUT => {
                let key = self.input.byte()?;
                self.memorise(key.into())
            }
            opcode::LONG_BINPUT => {
                let key = self.input.u32()?;
                self.memorise(key)
            }
            opcode::MEMOIZE => self.memorise(self.memo.len() as u32),
            opcode::BINGET => {
                let key = self.input.byte()?;
                self.recall(key.into())
            }
            opcode::LONG_BINGET => {
                let key = self.input.u32()?;
                self.recall(key)
            }

            opcode::GLOBAL => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.import(&module, &name)
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                self.import(&module, &name)
            }
            opcode::REDUCE | opcode::NEWOBJ => self.call(),
            opcode::NEWOBJ_EX => {
                // The named arguments are only those of objects whose contents are dropped.
                self.pop()?;
                self.call()
            }
            opcode::BUILD => self.build(),
            opcode::BINPERSID => {
                let id = self.pop()?;
                self.push(Value::Persistent(id))
            }
            old if opcode::OF_OLD_PROTOCOLS.contains(&old) => {
                Err(self.fail(PickleFault::OldProtocol(old)))
            }
            unknown => Err(self.fail(PickleFault::Opcode(unknown))),
        }
    }

    fn long(&mut self, length: u64) -> Step {
        if length > 255 {
            return Err(self.fail(PickleFault::WideInteger(length)));
        }
        let bytes = self.input.bytes(length)?;
        let value = match bytes.last() {
            None => Value::Int(0),
            Some(last) if bytes.len() <= 8 => {
                let mut wide = [if last & 0x80 == 0 { 0 } else { 0xff }; 8];
                wide[..bytes.len()].copy_from_slice(&bytes);
                Value::Int(i64::from_le_bytes(wide))
            }
            Some(_) => {
                self.charge(ALLOCATION + bytes.len())?;
                Value::LongInt(bytes)
            }
        };
        self.push(value)
    }

    fn text(&mut self, length: u64) -> Step {
        let text = self.input.text(length)?;
        self.push_text(&text)
    }

    /// A string of Python 2: text, or bytes of any kind.
    fn byte_string(&mut self, length: u64) -> Step {
        let bytes = self.input.bytes(length)?;
        match String::from_utf8(bytes) {
            Ok(text) => self.push_text(&text),
            Err(_) => self.push(Value::Bytes),
        }
    }

    fn bytes(&mut self, length: u64) -> Step {
        self.input.bytes(length)?;
        self.push(Value::Bytes)
    }

    fn tuple(&mut self, count: usize) -> Step {
        let start = self.stack.len().checked_sub(count).filter(|start| *start >= self.floor());
        let start = start.ok_or_else(|| self.fail(PickleFault::StackUnderflow))?;
        let items = self.take_from(start);
        self.push_items(items, Value::Tuple)
    }

    fn extend_list(&mut self, items: &[ValueId]) -> Step {
        self.charge(ALLOCATION + items.len() * ITEM)?;
        match self.top_value()? {
            Value::List(list) => list.extend(items),
            // `collections.Counter` and the like, whose items are of no interest.
            Value::Opaque => {}
            other => {
                let found = other.kind();
                return Err(self.fail(PickleFault::Kind { expected: "a list", found }));
            }
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[ValueId]) -> Step {
        let pairs = self.pairs(items)?;
        self.charge(ALLOCATION + items.len() * ITEM)?;
        match self.top_value()? {
            Value::Dict(dict) => dict.extend(pairs),
            Value::Opaque => {}
            other => {
                let found = other.kind();
                return Err(self.fail(PickleFault::Kind { expected: "a dictionary", found }));
            }
        }
        Ok(())
    }

    fn pairs(&self, items: &[ValueId]) -> Result<Vec<(ValueId, ValueId)>, PickleError> {
        match items.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
            _ => Err(self.fail(PickleFault::OddItems)),
        }
    }

    fn memorise(&mut self, key: u32) -> Step {
        let top = self.top()?;
        if self.memo.insert(key, top).is_none() {
            self.charge(MEMO)?;
        }
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Step {
        let value = self.memo.get(&key).copied();
        let value = value.ok_or_else(|| self.fail(PickleFault::Memo(key)))?;
        self.push_id(value)
    }

    fn import(&mut self, module: &str, name: &str) -> Step {
        match globals::find(module, name) {
            Some(global) => self.push(Value::Global(global)),
            None => Err(self.fail(PickleFault::Import(format!("{module}.{name}")))),
        }
    }

    /// Records the call of an imported name with a tuple of arguments.
    fn call(&mut self) -> Step {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let callable = match self.value(callable) {
            Value::Global(global) => *global,
            other => return Err(self.fail(PickleFault::Call(other.kind()))),
        };
        let Value::Tuple(items) = self.value(arguments) else {
            let found = self.value(arguments).kind();
            return Err(self.fail(PickleFault::Kind { expected: "a tuple", found }));
        };
        let value = match callable {
            Global::Opaque => return self.push_constant(4, Value::Opaque),
            Global::OrderedDict => {
                // Five bytes of a pickle can ask for another copy of a long list.
                self.charge(ALLOCATION + self.length_of(items.first()) * 2 * ITEM)?;
                Value::Dict(self.ordered_dict(arguments)?)
            }
            Global::DefaultDict => Value::Dict(Vec::new()),
            Global::RebuildTensor | Global::RebuildParameter | Global::RebuildWithAttributes => {
                Value::Call(callable, arguments)
            }
            Global::Storage(_) => return Err(self.fail(PickleFault::Call("a storage type"))),
        };
        self.push(value)
    }

    /// The pairs of an `OrderedDict`: none from Python 3, which sets them afterwards, a list of
    /// pairs from Python 2, or another dictionary.
    fn ordered_dict(&self, arguments: ValueId) -> Result<Vec<(ValueId, ValueId)>, PickleError> {
        let Value::Tuple(arguments) = self.value(arguments) else { return Ok(Vec::new()) };
        let Some(&list) = arguments.first() else { return Ok(Vec::new()) };
        let kind = |expected, id| PickleFault::Kind { expected, found: self.value(id).kind() };
        let pairs = match self.value(list) {
            Value::List(pairs) | Value::Tuple(pairs) => pairs,
            Value::Dict(pairs) => return Ok(pairs.clone()),
            _ => return Err(self.fail(kind("a list of pairs", list))),
        };
        let pair = |&id: &ValueId| match self.value(id) {
            Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
            _ => Err(self.fail(kind("a pair", id))),
        };
        pairs.iter().map(pair).collect()
    }

    /// How many items a list has.
    fn length_of(&self, list: Option<&ValueId>) -> usize {
        match list.map(|id| self.value(*id)) {
            Some(Value::List(items) | Value::Tuple(items)) => items.len(),
            Some(Value::Dict(pairs)) => pairs.len(),
            _ => 0,
        }
    }

    /// Drops the attributes that a pickle gives to an object.
    fn build(&mut self) -> Step {
        self.pop()?;
        match self.top_value()? {
            // An `OrderedDict` gets its `_metadata` in this way.
            Value::Dict(_) | Value::Call(..) | Value::Opaque => Ok(()),
            other => {
                let found = other.kind();
                Err(self.fail(PickleFault::Kind { expected: "an object", found }))
            }
        }
    }

    fn push(&mut self, value: Value) -> Step {
        if self.values.len() >= self.value_limit {
            return Err(self.fail(PickleFault::TooManyValues(self.value_limit)));
        }
        self.charge(VALUE)?;
        let id = ValueId(self.values.len() as u32);
        self.values.push(value);
        self.push_id(id)
    }

    /// Pushes a value of which one is kept for all.
    fn push_constant(&mut self, slot: usize, value: Value) -> Step {
        if let Some(id) = self.constants[slot] {
            return self.push_id(id);
        }
        self.constants[slot] = Some(ValueId(self.values.len() as u32));
        self.push(value)
    }

    fn push_text(&mut self, text: &str) -> Step {
        self.charge(ALLOCATION + text.len())?;
        self.push(Value::Text(text.into()))
    }

    fn push_items(&mut self, items: Vec<ValueId>, kind: fn(Vec<ValueId>) -> Value) -> Step {
        self.charge(ALLOCATION + items.len() * ITEM)?;
        self.push(kind(items))
    }

    fn push_id(&mut self, id: ValueId) -> Step {
        self.charge(ITEM)?;
        self.stack.push(id);
        Ok(())
    }

    /// Counts memory that is about to be taken. What is dropped before the end still counts, so a
    /// pickle cannot build more than this in all.
    fn charge(&mut self, bytes: usize) -> Step {
        self.memory += bytes;
        if self.memory > self.memory_limit {
            return Err(self.fail(PickleFault::TooMuchMemory(self.memory_limit)));
        }
        Ok(())
    }

    /// The height below which the open MARK keeps its values.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<ValueId, PickleError> {
        match self.stack.last() {
            Some(top) if self.stack.len() > self.floor() => Ok(*top),
            _ => Err(self.fail(PickleFault::StackUnderflow)),
        }
    }

    fn top_value(&mut self) -> Result<&mut Value, PickleError> {
        let top = self.top()?;
        Ok(&mut self.values[top.0 as usize])
    }

    fn pop(&mut self) -> Result<ValueId, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_text(&mut self) -> Result<Arc<str>, PickleError> {
        let id = self.pop()?;
        match self.value(id) {
            Value::Text(text) => Ok(Arc::clone(text)),
            other => {
                Err(self.fail(PickleFault::Kind { expected: "a string", found: other.kind() }))
            }
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<ValueId>, PickleError> {
        match self.marks.pop() {
            Some(height) => Ok(self.take_from(height)),
            None => Err(self.fail(PickleFault::StackUnderflow)),
        }
    }

    /// Takes what lies above a height, in memory of its own size.
    fn take_from(&mut self, height: usize) -> Vec<ValueId> {
        let items = self.stack[height..].to_vec();
        self.stack.truncate(height);
        items
    }

    fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    fn fail(&self, fault: PickleFault) -> PickleError {
        self.input.fail(fault)
    }
}
