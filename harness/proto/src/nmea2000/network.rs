//! A bus that is listened to: messages put together, and who has which address.

use super::fast::FastPackets;
use super::message::{Message, Value};
use super::{CLAIM, Id, NO_ADDRESS, Name, pgn};
use crate::frame::Frame;
use crate::quantity::Micros;
use crate::vedirect::Product;

/// What is known of a bus.
#[derive(Debug, Clone)]
pub struct Network {
    fast: FastPackets,
    nodes: Vec<Node>,
}

/// What is known of who has an address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// by which it claimed the address
    pub name: Option<Name>,
    /// its model, as its product information says
    pub model: Option<String>,
    /// its firmware
    pub firmware: Option<String>,
    /// its serial number
    pub serial: Option<String>,
    /// its Victron product id, where it told
    pub product: Option<Product>,
    /// when it was heard last
    pub heard: Option<Micros>,
}

impl Default for Network {
    fn default() -> Self {
        Self { fast: FastPackets::default(), nodes: vec![Node::default(); usize::from(u8::MAX) + 1] }
    }
}

impl Network {
    /// Takes a frame; says which message it completed. Of a PGN that is not in the table each frame is a message.
    pub fn take(&mut self, at: Micros, frame: &Frame) -> Option<Message> {
        let id = Id::of(frame.id())?;
        self.nodes[usize::from(id.source)].heard = Some(at);
        let message = match pgn(id.pgn) {
            Some(row) if row.is_fast => self.fast.take(at, id, frame.data())?,
            _ => Message::new(id, frame.data())?,
        };
        self.learn(&message);
        Some(message)
    }

    /// Who has an address.
    #[must_use]
    pub fn node(&self, address: u8) -> &Node {
        &self.nodes[usize::from(address)]
    }

    /// Every address that was heard, with who has it.
    pub fn nodes(&self) -> impl Iterator<Item = (u8, &Node)> {
        (0..=u8::MAX).zip(&self.nodes).filter(|(_, node)| node.heard.is_some())
    }

    /// The address of the device with this name.
    #[must_use]
    pub fn address(&self, name: Name) -> Option<u8> {
        self.nodes().find(|(_, node)| node.name == Some(name)).map(|(address, _)| address)
    }

    /// Messages that were not finished: frames were lost, or came too late.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.fast.lost
    }

    fn learn(&mut self, message: &Message) {
        let source = message.id.source;
        let node = &mut self.nodes[usize::from(source)];
        let text = |field| match message.value_of(field) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        match message.id.pgn {
            CLAIM if source != NO_ADDRESS => {
                let name = Name::of(message.data());
                if node.name != name {
                    // Another device has the address from now on: nothing of the one before holds.
                    let heard = node.heard;
                    *node = Node { name, heard, ..Node::default() };
                    let others = self.nodes.iter_mut().enumerate().filter(|(k, _)| *k != usize::from(source));
                    others
                        .filter(|(_, other)| other.name == name)
                        .for_each(|(_, other)| *other = Node::default());
                }
            }
            126_996 => {
                (node.model, node.firmware, node.serial) =
                    (text("model"), text("software version"), text("serial number"));
            }
            _ => {
                if let Some((0x0100, &[_, high, low, ..])) = message.register() {
                    node.product = Some(Product(u16::from_be_bytes([high, low])));
                }
            }
        }
    }
}
