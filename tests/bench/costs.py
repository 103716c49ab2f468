"""What things cost on this machine, for the simulator (sim/costs.h)."""
import statistics

TRANSPORTS = {"shm": ("--mca", "btl", "vader,self"), "tcp": ("--mca", "btl", "tcp,self")}
NAMES = {"shm": "shared memory", "tcp": "TCP over loopback"}
SHORT, LONG = 512, 16000  # bytes of a message


def read(lines, key):
    return {line[key]: float(line["ns"]) for line in lines if "ns" in line}


def least(lines, name):
    """In quiet moments: what other programs do only adds."""
    return min(float(line[name]) for line in lines)


def measure_transport(place, transport):
    """Nanoseconds of a message, of a byte, and of a look at a peer; and of the way."""
    rounds, options = (1, 20) if place.quick else (11, 300), TRANSPORTS[transport]

    def carried(size):
        return list(place.ranks(2, "net", "carry", size, rounds[1], rounds[0], options=options))

    short = carried(SHORT)
    long = short if place.quick else carried(LONG)
    peers = 200 if place.quick else 1000
    look = least([line for _ in range(1 if place.quick else 3) for line in place.ranks(2, "net", "poll", peers, options=options)], "ns")
    way = least(place.ranks(2, "net", "ping", 64, 3 * rounds[1], rounds[0], options=options), "net_us") * 1000
    send, receive = least(short, "send_ns"), least(short, "receive_ns")
    byte = (least(long, "send_ns") + least(long, "receive_ns") - send - receive) / 2 / (LONG - SHORT)
    return {"send": send, "receive": receive, "byte": max(byte, 0), "look": look / peers, "way": way}


def measure(place):
    """Writes costs.node, of one node, and costs.shm and costs.tcp, of the road between nodes."""
    nodes, workers = (50, 10) if place.quick else (1000, 57)
    node = read(place.run("costs", 1 if place.quick else 15), "name")
    road = read(place.run("road", nodes, workers, 1 if place.quick else 7), "name")
    alone = "maps of empty items on one node"
    manager, leader = f"its code with {nodes} nodes that answer at once", "its code, alone on its node"
    both = [(name, node[name], alone) for name in ("worker_item", "worker_claim", "start")]
    both += [(name, road[name], "base/futex.h") for name in ("wake", "wake_delay", "nap_late", "nap_cost")]
    place.write_costs("node", both + [(name, node[name], alone) for name in ("manager_note", "manager_item", "leader_item")])
    for transport in place.transports:
        name = NAMES[transport]
        part = measure_transport(place, transport)
        place.write_costs(transport, both + [
            ("manager_block", road["manager_block"] + part["send"], f"{manager}; sent over {name}"),
            ("manager_item", road["manager_item"], manager),
            ("manager_message", road["manager_message"] + part["receive"], f"{manager}; received over {name}"),
            ("manager_note", road["manager_note"], manager),
            ("manager_node", road["manager_turn"] / nodes + part["look"], f"{manager}; a look at each over {name}"),
            ("leader_block", road["leader_block"] + part["receive"], f"{leader}; received over {name}"),
            ("leader_item", max(road["leader_item"] - node["worker_item"], node["leader_item"]), f"{leader}; without running it"),
            ("leader_note", max(road["leader_claim"] - node["worker_claim"], node["manager_note"]),
             f"{leader}; without the claim"),
            ("leader_message", road["leader_message"] + part["send"], f"{leader}; sent over {name}"),
            ("message_byte", part["byte"], f"{name}, {SHORT} and {LONG} bytes"),
        ], way=part["way"])
