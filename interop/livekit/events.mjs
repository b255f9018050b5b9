// LiveKit's events as they arrive on a bus.

/** Tells the events about an egress: those of a name and, if it is given, with a status. */
export function eventsOf(egressId) {
  return (name, status) => (event) =>
    event["detail-type"] === name &&
    event.detail.egressInfo.egressId === egressId &&
    (status === undefined || event.detail.egressInfo.status === status);
}
