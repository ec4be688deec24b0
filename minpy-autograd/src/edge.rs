//! What a recorded call read: edges to nodes of the tape.

use minpy_core::{DType, DeviceRef, Layout};
use smallvec::SmallVec;

/// Index of a node on its tape.
pub(crate) type NodeId = u32;

/// One read of a watched buffer.
pub(crate) struct Edge {
    /// The node whose contents were read.
    pub node: NodeId,
    pub dtype: DType,
    /// Through which view, where it is not the one through which the node was written: most are, and are not kept twice.
    pub via: Option<Box<Layout>>,
}
/// What a call read; most have one or two inputs.
pub(crate) type Edges = SmallVec<[Option<Edge>; 2]>;

/// The nodes of a tape, as far as edges lead to them.
pub(crate) trait Nodes {
    /// The view through which an edge read.
    fn view<'a>(&'a self, e: &'a Edge) -> &'a Layout;
    /// Where the node's contents live.
    fn device(&self, id: NodeId) -> DeviceRef;
}
