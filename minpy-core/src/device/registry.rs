//! The registry: operations, backends and kernels, gathered from the linked crates.
//!
//! Two ways in, which may meet: `inventory` (automatic, when the crate is linked) and `register` (explicit).
//! The same entry twice is fine; two different kernels for one slot are an error that names both places.

use crate::device::{Device, DeviceRef};
use crate::dtype::DTypeSet;
use crate::kernel::{Family, KernelFn};
use crate::{Error, ErrorKind, Result, bail};
use parking_lot::Mutex;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, OnceLock};

/// Name of the host device.
pub(crate) const HOST: &str = "cpu";

/// Which work a kernel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Everything of one canonical form.
    Family(Family),
    /// One operation of its own (`Work::Custom`).
    Op(&'static str),
}

/// A registered kernel.
#[derive(Clone, Copy, Debug)]
pub struct KernelEntry {
    /// Name of the device kind.
    pub device: &'static str,
    /// Which work.
    pub slot: Slot,
    /// Dtypes it can handle; a call that touches another one goes elsewhere.
    pub dtypes: DTypeSet,
    /// The function.
    pub run: KernelFn,
    /// Where it was registered.
    pub file: &'static str,
    /// Where it was registered.
    pub line: u32,
}

/// A backend: how its devices are found.
#[derive(Debug)]
pub struct Driver {
    /// Name of the device kind.
    pub name: &'static str,
    /// Looks for devices; an absent driver is an empty list, never a panic.
    pub probe: fn() -> Vec<Box<dyn Device>>,
    /// Where it was registered.
    pub file: &'static str,
    /// Where it was registered.
    pub line: u32,
}

/// What `inventory` collects.
#[derive(Clone, Copy)]
pub enum Item {
    /// A backend.
    Driver(&'static Driver),
    /// A kernel.
    Kernel(&'static KernelEntry),
    /// Several kernels.
    Kernels(&'static [KernelEntry]),
    /// An operation, a function: what is found by its type and name.
    Named(&'static dyn Named),
}
inventory::collect!(Item);

/// What is registered by name, whichever type it has: layers above bring types of their own.
pub trait Named: Any + Sync {
    /// What the type is called in messages.
    fn what(&self) -> &'static str;
    /// Its name: one of each type.
    fn name(&self) -> &'static str;
    /// Other names of it.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }
    /// Where it was defined: file and line.
    fn place(&self) -> (&'static str, u32);
    /// What is wrong with the definition, beyond limits that its type sets: asked once, when it is registered.
    fn fault(&self) -> Option<String> {
        None
    }
}

impl Item {
    /// The kernels among it.
    pub fn kernels(&self) -> &'static [KernelEntry] {
        match self {
            Item::Kernel(k) => std::slice::from_ref(*k),
            Item::Kernels(list) => list,
            _ => &[],
        }
    }
}

/// `kernel!(pub ENTRY: "cpu", Slot::Family(Family::Reduce), DTypeSet::ALL, run)`: one line beside the function registers it.
#[macro_export]
macro_rules! kernel {
    ($vis:vis $name:ident: $device:expr, $slot:expr, $dtypes:expr, $run:expr) => {
        #[doc = "The registered kernel of this file."]
        $vis static $name: $crate::backend::KernelEntry = $crate::backend::KernelEntry {
            device: $device,
            slot: $slot,
            dtypes: $dtypes,
            run: $run,
            file: file!(),
            line: line!(),
        };
        $crate::inventory::submit! { $crate::backend::Item::Kernel(&$name) }
    };
}

/// `driver!(pub DRIVER: "cpu", probe)`: registers a backend.
#[macro_export]
macro_rules! driver {
    ($vis:vis $name:ident: $device:expr, $probe:expr) => {
        #[doc = "The registered backend of this crate."]
        $vis static $name: $crate::backend::Driver =
            $crate::backend::Driver { name: $device, probe: $probe, file: file!(), line: line!() };
        $crate::inventory::submit! { $crate::backend::Item::Driver(&$name) }
    };
}

struct Kind {
    driver: &'static Driver,
    /// Shared by later registries: devices are looked for once in the life of the process.
    devices: Arc<OnceLock<Vec<DeviceRef>>>,
    families: [Option<&'static KernelEntry>; Family::COUNT],
    ops: HashMap<&'static str, &'static KernelEntry>,
}

/// The tables, immutable once built; a later `register` builds new ones.
pub struct Registry {
    kinds: Vec<Kind>,
    named: HashMap<TypeId, Names>,
}

/// All of one type.
#[derive(Default)]
struct Names {
    found: HashMap<&'static str, &'static dyn Named>,
    /// By name, without aliases.
    sorted: Vec<&'static dyn Named>,
}

static CURRENT: AtomicPtr<Registry> = AtomicPtr::new(std::ptr::null_mut());
static EXPLICIT: Mutex<Vec<Item>> = Mutex::new(Vec::new());

/// The registry of the process.
#[inline]
pub fn global() -> Result<&'static Registry> {
    let p = CURRENT.load(Ordering::Acquire);
    if p.is_null() {
        return build();
    }
    // SAFETY: `CURRENT` only ever holds leaked registries.
    Ok(unsafe { &*p })
}

#[cold]
fn build() -> Result<&'static Registry> {
    let explicit = EXPLICIT.lock();
    // Another thread may have built it meanwhile: a second registry would look for the devices again.
    let p = CURRENT.load(Ordering::Acquire);
    if !p.is_null() {
        // SAFETY: `CURRENT` only ever holds leaked registries.
        return Ok(unsafe { &*p });
    }
    rebuild(&explicit)
}

fn rebuild(explicit: &[Item]) -> Result<&'static Registry> {
    let items: Vec<Item> =
        inventory::iter::<Item>.into_iter().copied().chain(explicit.iter().copied()).collect();
    let old = CURRENT.load(Ordering::Acquire);
    // SAFETY: `CURRENT` only ever holds leaked registries.
    let old = (!old.is_null()).then(|| unsafe { &*old });
    let new = Box::leak(Box::new(Registry::assemble(&items, old)?));
    CURRENT.store(new, Ordering::Release);
    Ok(new)
}

/// Registers items explicitly: for programs whose linker dropped the automatic registration, and for tests.
pub fn register(items: &[Item]) -> Result<()> {
    let mut explicit = EXPLICIT.lock();
    let before = explicit.len();
    explicit.extend_from_slice(items);
    match rebuild(&explicit) {
        Ok(_) => Ok(()),
        // An empty registry is an error for those who compute, not for those who are still registering.
        Err(e) if e.kind() == ErrorKind::Registry && e.message().starts_with("no backend") => Ok(()),
        Err(e) => {
            explicit.truncate(before);
            Err(e)
        }
    }
}

impl Registry {
    /// Builds tables from items; devices probed by `old` are kept.
    pub fn assemble(items: &[Item], old: Option<&Registry>) -> Result<Registry> {
        let mut drivers: Vec<&'static Driver> = Vec::new();
        let mut named: HashMap<TypeId, Names> = HashMap::new();
        for item in items {
            match item {
                Item::Driver(d) => match drivers.iter().find(|x| x.name == d.name) {
                    Some(x) if (x.file, x.line) == (d.file, d.line) => {}
                    Some(x) => bail!(
                        Registry,
                        "backend '{}' is registered twice: at {}:{} and at {}:{}",
                        d.name,
                        x.file,
                        x.line,
                        d.file,
                        d.line
                    ),
                    None => drivers.push(d),
                },
                Item::Named(n) => {
                    let n: &'static dyn Named = *n;
                    if let Some(fault) = n.fault() {
                        let (file, line) = n.place();
                        bail!(Registry, "{} '{}' at {file}:{line}: {fault}", n.what(), n.name());
                    }
                    let names = named.entry((n as &dyn Any).type_id()).or_default();
                    for name in std::iter::once(n.name()).chain(n.aliases().iter().copied()) {
                        match names.found.insert(name, n) {
                            Some(x) if !std::ptr::addr_eq(x, n) => bail!(
                                Registry,
                                "{} '{name}' is registered twice: at {}:{} and at {}:{}",
                                n.what(),
                                x.place().0,
                                x.place().1,
                                n.place().0,
                                n.place().1
                            ),
                            _ => {}
                        }
                    }
                }
                Item::Kernel(_) | Item::Kernels(_) => {}
            }
        }
        if drivers.is_empty() {
            bail!(
                Registry,
                "no backend is registered: link one by naming its crate (`use minpy_cpu as _;`) or call its \
                 `register()` (`minpy_cpu::register()`); a crate that is only listed in Cargo.toml is not linked"
            );
        }
        // The host is kind 0; the others keep the place they had, so that a `DeviceRef` stays right.
        let place = |d: &Driver| match (d.name, old.and_then(|o| o.kind_of(d.name))) {
            (HOST, _) => (0, 0),
            (_, Some(k)) => (1, k),
            _ => (2, 0),
        };
        drivers.sort_by(|a, b| place(a).cmp(&place(b)).then(a.name.cmp(b.name)));
        let mut kinds: Vec<Kind> = Vec::new();
        if drivers[0].name != HOST {
            kinds.push(Kind::new(&NO_HOST));
        }
        kinds.extend(drivers.into_iter().map(Kind::new));
        for k in items.iter().flat_map(Item::kernels) {
            let Some(kind) = kinds.iter_mut().find(|x| x.driver.name == k.device) else {
                bail!(
                    Registry,
                    "kernel at {}:{} is for device '{}', which no backend registers",
                    k.file,
                    k.line,
                    k.device
                );
            };
            let old = match k.slot {
                Slot::Family(f) => kind.families[f as usize].replace(k),
                Slot::Op(name) => kind.ops.insert(name, k),
            };
            if let Some(x) = old
                && (x.file, x.line) != (k.file, k.line)
            {
                bail!(
                    Registry,
                    "kernel {:?} for device '{}' is registered twice: at {}:{} and at {}:{}",
                    k.slot,
                    k.device,
                    x.file,
                    x.line,
                    k.file,
                    k.line
                );
            }
        }
        if let Some(old) = old {
            for (k, before) in kinds.iter_mut().zip(&old.kinds) {
                // By place, not by name: the stand-in for a missing host has the host's name and no devices.
                if (k.driver.file, k.driver.line) == (before.driver.file, before.driver.line) {
                    k.devices = before.devices.clone();
                }
            }
        }
        for names in named.values_mut() {
            names.sorted =
                names.found.iter().filter(|(name, n)| **name == n.name()).map(|(_, n)| *n).collect();
            names.sorted.sort_unstable_by_key(|n| n.name());
        }
        Ok(Registry { kinds, named })
    }
    /// Index of a device kind.
    pub fn kind_of(&self, name: &str) -> Option<usize> {
        self.kinds.iter().position(|k| k.driver.name == name)
    }
    /// Name of a device kind.
    pub fn kind_name(&self, kind: usize) -> &'static str {
        self.kinds[kind].driver.name
    }
    /// Names of the registered kinds, the host first.
    pub fn kind_names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.iter().map(|k| k.driver.name)
    }
    /// Devices of that name; the first call looks for them.
    pub fn devices(&self, name: &str) -> &[DeviceRef] {
        match self.kind_of(name) {
            Some(k) => self.kinds[k].devices.get_or_init(|| {
                (self.kinds[k].driver.probe)().into_iter().map(|d| DeviceRef::leak(d, k)).collect()
            }),
            None => &[],
        }
    }
    /// Every device; looks for all of them.
    pub fn all_devices(&self) -> impl Iterator<Item = DeviceRef> {
        self.kinds.iter().flat_map(|k| self.devices(k.driver.name).iter().copied())
    }
    /// The host CPU.
    #[inline]
    pub fn host(&self) -> Result<DeviceRef> {
        match self.devices(HOST).first() {
            Some(&d) => Ok(d),
            None => Err(Error::new(
                ErrorKind::Registry,
                "no host device: link minpy-cpu (`use minpy_cpu as _;` or `minpy_cpu::register()`); host fallback needs it",
            )),
        }
    }
    /// The kernel of a device kind for a canonical form.
    #[inline]
    pub fn family_kernel(&self, kind: usize, family: Family) -> Option<&'static KernelEntry> {
        self.kinds[kind].families[family as usize]
    }
    /// The kernel of a device kind for one operation.
    pub(crate) fn op_kernel(&self, kind: usize, op: &str) -> Option<&'static KernelEntry> {
        self.kinds[kind].ops.get(op).copied()
    }
    /// What has that name or alias among all of type `T`.
    pub fn named<T: Named>(&self, name: &str) -> Option<&'static T> {
        let names = self.named.get(&TypeId::of::<T>())?;
        (*names.found.get(name)? as &dyn Any).downcast_ref()
    }
    /// All of type `T`, by name.
    pub fn all<T: Named>(&self) -> impl Iterator<Item = &'static T> {
        let names = self.named.get(&TypeId::of::<T>());
        let sorted = names.map_or(&[][..], |n| &n.sorted);
        sorted.iter().filter_map(|&n| (n as &dyn Any).downcast_ref())
    }
    /// Every kernel of a device kind.
    pub fn kernels(&self, kind: usize) -> impl Iterator<Item = &'static KernelEntry> {
        let k = &self.kinds[kind];
        k.families.iter().flatten().copied().chain(k.ops.values().copied())
    }
}

impl Kind {
    fn new(driver: &'static Driver) -> Kind {
        Kind { driver, devices: Arc::default(), families: [None; Family::COUNT], ops: HashMap::new() }
    }
}

static NO_HOST: Driver = Driver { name: HOST, probe: Vec::new, file: file!(), line: line!() };
