"""Sorting, geometry, board games."""
import numpy as np


def bubble_sort(n=260):
    a = np.random.RandomState(0).rand(n)
    for i in range(n):
        for j in range(n - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
    return a


def insertion_sort(n=370):
    a = np.random.RandomState(1).randint(0, 1000, n)
    for i in range(1, n):
        key = a[i]
        j = i - 1
        while j >= 0 and a[j] > key:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = key
    return a


def merge_sort(n=1500):
    def sort(a):
        if len(a) <= 1:
            return a
        m = len(a) // 2
        left, right = sort(a[:m]), sort(a[m:])
        out = np.empty(len(a), dtype=a.dtype)
        i = j = 0
        for k in range(len(a)):
            if j >= len(right) or (i < len(left) and left[i] <= right[j]):
                out[k] = left[i]
                i += 1
            else:
                out[k] = right[j]
                j += 1
        return out

    return sort(np.random.RandomState(2).rand(n))


def quick_sort(n=2500):
    def sort(a):
        if a.size <= 1:
            return a
        pivot = a[a.size // 2]
        return np.concatenate([sort(a[a < pivot]), a[a == pivot], sort(a[a > pivot])])

    return sort(np.random.RandomState(3).randint(0, 10000, n))


def sorting_network(n=256, repeats=20):
    a = np.random.RandomState(4).rand(n)
    for _ in range(repeats):
        x = a.copy()
        i = np.arange(n)
        k = 2
        while k <= n:
            j = k // 2
            while j > 0:
                other = i ^ j
                mine = i[other > i]
                theirs = other[other > i]
                up = (mine & k) == 0
                swap = np.where(up, x[mine] > x[theirs], x[mine] < x[theirs])
                s, t = mine[swap], theirs[swap]
                x[s], x[t] = x[t], x[s]
                j //= 2
            k *= 2
    return x


def binary_search(n=3000, queries=3000):
    a = np.sort(np.random.RandomState(5).randint(0, 10 * n, n))
    found = 0
    for q in range(queries):
        target = q * 17 % (10 * n)
        low, high = 0, n - 1
        while low <= high:
            mid = (low + high) // 2
            if a[mid] == target:
                found += 1
                break
            if a[mid] < target:
                low = mid + 1
            else:
                high = mid - 1
    return found


def n_queens(n=7):
    board = np.zeros((n, n), dtype=int)
    solutions = []

    def safe(row, column):
        for i in range(row):
            for j in range(n):
                if board[i, j] == 1 and (j == column or abs(row - i) == abs(column - j)):
                    return False
        return True

    def place(row):
        if row == n:
            solutions.append(np.argmax(board, axis=1))
            return
        for column in range(n):
            if safe(row, column):
                board[row, column] = 1
                place(row + 1)
                board[row, column] = 0

    place(0)
    return len(solutions), np.array(solutions)


def n_queens_bits(n=9):
    masks = np.array([1 << i for i in range(n)])

    def count(columns, left, right):
        if columns == (1 << n) - 1:
            return 1
        total = 0
        free = masks[(masks & (columns | left | right)) == 0]
        for bit in free:
            total += count(columns | bit, (left | bit) << 1, (right | bit) >> 1)
        return total

    return count(0, 0, 0)


_SUDOKU = "530070000600195000098000060800060003400803001700020006060000280000419005000080079"


def sudoku():
    grid = np.array([int(c) for c in _SUDOKU]).reshape(9, 9)

    def possible(r, c, v):
        if v in grid[r, :] or v in grid[:, c]:
            return False
        br, bc = 3 * (r // 3), 3 * (c // 3)
        return v not in grid[br : br + 3, bc : bc + 3]

    def solve(free):
        if not free:
            return True
        r, c = free[0]
        for v in range(1, 10):
            if possible(r, c, v):
                grid[r, c] = v
                if solve(free[1:]):
                    return True
                grid[r, c] = 0
        return False

    cells = [tuple(cell) for cell in np.argwhere(grid == 0)]
    return solve(cells[:24]), grid


def sudoku_candidates(rounds=4):
    for _ in range(rounds):
        grid = np.array(list(_SUDOKU), dtype=int).reshape((9, 9))
        for _ in range(12):
            changed = False
            for r, c in zip(*np.where(grid == 0)):
                block = grid[r // 3 * 3 : r // 3 * 3 + 3, c // 3 * 3 : c // 3 * 3 + 3]
                used = np.union1d(np.union1d(grid[r], grid[:, c]), block)
                free = np.setdiff1d(np.arange(1, 10), used)
                if len(free) == 1:
                    grid[r, c] = free[0]
                    changed = True
            if not changed:
                break
    return grid


def maze_distances(n=95):
    rng = np.random.RandomState(6)
    walls = rng.rand(n, n) < 0.3
    walls[0, 0] = walls[-1, -1] = False
    distance = np.full((n, n), -1)
    distance[0, 0] = 0
    front = [(0, 0)]
    while front:
        following = []
        for r, c in front:
            for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                rr, cc = r + dr, c + dc
                if 0 <= rr < n and 0 <= cc < n and not walls[rr, cc] and distance[rr, cc] < 0:
                    distance[rr, cc] = distance[r, c] + 1
                    following.append((rr, cc))
        front = following
    return distance.max(), distance


def tic_tac_toe(games=60):
    rng = np.random.RandomState(7)
    wins = np.zeros(3, dtype=int)
    for _ in range(games):
        board = np.zeros((3, 3), dtype=int)
        player, winner = 1, 0
        while winner == 0 and np.any(board == 0):
            free = np.argwhere(board == 0)
            r, c = free[rng.randint(len(free))]
            board[r, c] = player
            sums = [board[i, :].sum() for i in range(3)] + [board[:, i].sum() for i in range(3)]
            sums += [np.trace(board), np.trace(np.fliplr(board))]
            if 3 * player in sums:
                winner = player
            player = -player
        wins[winner] += 1
    return wins


def convex_hull(n=1200):
    points = np.random.RandomState(8).randn(n, 2)
    points = points[np.lexsort((points[:, 1], points[:, 0]))]

    def cross(o, a, b):
        return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])

    lower, upper = [], []
    for p in points:
        while len(lower) >= 2 and cross(lower[-2], lower[-1], p) <= 0:
            lower.pop()
        lower.append(p)
    for p in reversed(points):
        while len(upper) >= 2 and cross(upper[-2], upper[-1], p) <= 0:
            upper.pop()
        upper.append(p)
    hull = np.array(lower[:-1] + upper[:-1])
    x, y = hull[:, 0], hull[:, 1]
    return hull, 0.5 * np.abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))


def closest_pair(n=145):
    p = np.random.RandomState(9).rand(n, 2)
    best, pair = np.inf, (0, 0)
    for i in range(n):
        for j in range(i + 1, n):
            d = np.sqrt((p[i, 0] - p[j, 0]) ** 2 + (p[i, 1] - p[j, 1]) ** 2)
            if d < best:
                best, pair = d, (i, j)
    return best, pair


def point_in_polygon(n=40, tests=200):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    radius = 1 + 0.3 * np.sin(5 * angle)
    polygon = np.column_stack((radius * np.cos(angle), radius * np.sin(angle)))
    points = np.random.RandomState(10).uniform(-1.5, 1.5, (tests, 2))
    inside = np.zeros(tests, dtype=bool)
    for k, (x, y) in enumerate(points):
        j = n - 1
        for i in range(n):
            xi, yi = polygon[i]
            xj, yj = polygon[j]
            if (yi > y) != (yj > y) and x < (xj - xi) * (y - yi) / (yj - yi) + xi:
                inside[k] = not inside[k]
            j = i
    return inside, inside.sum()


def rotations(n=2500):
    points = np.random.RandomState(11).rand(n, 3)
    out = np.zeros_like(points)
    for i in range(n):
        a = 0.001 * i
        rotation = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        out[i] = rotation.dot(points[i])
    return out, out.mean(axis=0)


def ray_spheres(n=40):
    centres = np.array([[0.0, 0.0, 3.0], [1.0, 0.5, 4.0], [-1.0, -0.3, 2.5]])
    light = np.array([1.0, 1.0, -1.0]) / np.sqrt(3)
    image = np.zeros((n, n))

    def normalize(v):
        return v / np.linalg.norm(v)

    for i, y in enumerate(np.linspace(-1, 1, n)):
        for j, x in enumerate(np.linspace(-1, 1, n)):
            d = normalize(np.array([x, y, 1.0]))
            nearest = np.inf
            for c in centres[: 1 + (i + j) % 3]:
                b = np.dot(d, c)
                disc = b * b - np.dot(c, c) + 0.64
                if disc > 0 and b - np.sqrt(disc) < nearest:
                    nearest = b - np.sqrt(disc)
                    normal = normalize(nearest * d - c)
                    image[i, j] = max(0.0, np.dot(normal, light))
    return image


def magic_square(n=181):
    square = np.zeros((n, n), dtype=int)
    i, j = 0, n // 2
    for k in range(1, n * n + 1):
        square[i, j] = k
        a, b = (i - 1) % n, (j + 1) % n
        if square[a, b]:
            i = (i + 1) % n
        else:
            i, j = a, b
    return square, np.all(square.sum(axis=0) == square.sum(axis=1)[0]), np.trace(square)
