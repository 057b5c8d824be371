import asyncio, random
random.seed(0)
async def fetch(i):
    await asyncio.sleep(random.random() * 0.001)
    return i
async def main():
    acc = 0.0
    tasks = [asyncio.create_task(fetch(i)) for i in range(400)]
    for t in asyncio.as_completed(tasks):
        acc = acc * 0.5 + await t
    print("acc", acc)
asyncio.run(main())
