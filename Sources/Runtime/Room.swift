// Sources of this room.
