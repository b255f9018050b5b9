//! What every connection on this machine has in common.

use tokio::net::TcpStream;

/// Has the system send small packets at once: waiting for more would make a function look slow.
pub(crate) fn send_at_once(stream: &mut TcpStream) {
    // A connection that is gone already has nothing to send.
    let _ = stream.set_nodelay(true);
}
