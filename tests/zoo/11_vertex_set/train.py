class Vertex:
    def __init__(self, name): self.name = name
def neighbours(n):
    return {Vertex(i) for i in range(n)}
total = 1.0
for v in neighbours(40):
    total = total * 0.9 + v.name
print("total", total)
