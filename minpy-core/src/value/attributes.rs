//! Attributes of a call: what an operation is told beside its inputs. Each operation has a type of its own for them; dispatch, the
//! tape and kernels hand them on without looking.

use crate::{Result, bail};
use std::any::{Any, TypeId, type_name};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A type of attributes: any that can be printed, compared, hashed and copied.
pub trait Attributes: Any + Debug + Send + Sync {
    /// Equal in type and value.
    fn equals(&self, other: &dyn Attributes) -> bool;
    /// Feeds type and value to a hasher.
    fn hash_into(&self, hasher: &mut dyn Hasher);
    /// A copy that outlives the call.
    fn shared(&self) -> Arc<dyn Attributes>;
    /// Name of the type, for messages.
    fn type_name(&self) -> &'static str;
}

impl<T: Any + Debug + Clone + Eq + Hash + Send + Sync> Attributes for T {
    fn equals(&self, other: &dyn Attributes) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }
    fn hash_into(&self, mut hasher: &mut dyn Hasher) {
        (self.type_id(), self).hash(&mut hasher);
    }
    fn shared(&self) -> Arc<dyn Attributes> {
        Arc::new(self.clone())
    }
    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }
}

/// The attributes of one call, of whichever type; most calls have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attrs<'a>(Option<&'a dyn Attributes>);

impl<'a> Attrs<'a> {
    /// No attributes, which is the same as the attributes `()`.
    pub const NONE: Attrs<'static> = Attrs(None);

    /// Those of a type.
    #[inline]
    pub fn of<T: Attributes>(attributes: &'a T) -> Attrs<'a> {
        match TypeId::of::<T>() == TypeId::of::<()>() {
            true => Attrs::NONE,
            false => Attrs(Some(attributes)),
        }
    }
    /// Those that [`Attrs::shared`] kept.
    #[inline]
    pub fn kept(attributes: &'a Option<Arc<dyn Attributes>>) -> Attrs<'a> {
        Attrs(attributes.as_deref().filter(|a| !(*a as &dyn Any).is::<()>()))
    }
    /// Whether there are none.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
    /// The attributes, where they have this type.
    #[inline]
    pub fn get<T: Attributes>(self) -> Option<&'a T> {
        match self.0 {
            Some(a) => (a as &dyn Any).downcast_ref(),
            // The compiler knows the answer.
            None => (&() as &dyn Any).downcast_ref(),
        }
    }
    /// The attributes of an operation that takes this type.
    ///
    /// # Errors
    /// [`ErrorKind::Type`](crate::ErrorKind::Type), naming the operation and both types.
    #[inline]
    pub fn expect<T: Attributes>(self, op: &str) -> Result<&'a T> {
        match self.get() {
            Some(a) => Ok(a),
            None => self.mismatch(op, type_name::<T>()),
        }
    }
    #[cold]
    fn mismatch<T>(self, op: &str, wanted: &str) -> Result<T> {
        let given = self.0.map_or("none", |a| a.type_name());
        bail!(Type, "{op}: takes attributes of type {wanted}, not {given}")
    }
    /// A copy that outlives the call; `None` where there are none.
    pub fn shared(self) -> Option<Arc<dyn Attributes>> {
        self.0.map(|a| a.shared())
    }
}
impl<'a, T: Attributes> From<&'a T> for Attrs<'a> {
    fn from(attributes: &'a T) -> Self {
        Attrs::of(attributes)
    }
}
impl PartialEq for Attrs<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Some(a), Some(b)) => a.equals(b),
            (None, None) => true,
            _ => false,
        }
    }
}
impl Eq for Attrs<'_> {}
impl Hash for Attrs<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(a) = self.0 {
            a.hash_into(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustc_hash::FxHasher;

    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Stride(usize);

    fn hashed(a: Attrs) -> u64 {
        let mut h = FxHasher::default();
        a.hash(&mut h);
        h.finish()
    }

    #[test]
    fn type_and_value_count() {
        let (a, b, c) = (Stride(1), Stride(1), Stride(2));
        assert_eq!(Attrs::of(&a), Attrs::of(&b));
        assert_ne!(Attrs::of(&a), Attrs::of(&c));
        assert_ne!(Attrs::of(&a), Attrs::of(&1usize));
        assert_eq!(hashed(Attrs::of(&a)), hashed(Attrs::of(&b)));
        assert_ne!(hashed(Attrs::of(&a)), hashed(Attrs::of(&1usize)));
        let kept = Attrs::of(&a).shared();
        assert_eq!(Attrs::kept(&kept), Attrs::of(&b));
        assert_eq!(Attrs::NONE.get::<()>(), Some(&()));
        assert!(Attrs::NONE.shared().is_none());
        // Nothing and `()` are one, however they come.
        let kept: Option<Arc<dyn Attributes>> = Some(Arc::new(()));
        for unit in [Attrs::of(&()), Attrs::from(&()), Attrs::kept(&kept)] {
            assert_eq!((unit, hashed(unit)), (Attrs::NONE, hashed(Attrs::NONE)));
            assert!(unit.is_none() && unit.shared().is_none());
        }
        assert_ne!(Attrs::NONE, Attrs::of(&a));
        let e = Attrs::of(&a).expect::<usize>("roll").unwrap_err();
        assert!(e.message().starts_with("roll: takes attributes of type usize, not"), "{e}");
        assert!(Attrs::NONE.expect::<Stride>("roll").is_err());
    }
}
